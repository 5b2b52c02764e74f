"""python3 -m hostile --instance DIRECTORY --seed N --rounds R --malformed COUNT

Raises an instance and leads the main line up to enrolled participants. Then, round by round, a neighbour sends 200
responses a second: first alone, then while another publisher with valid credentials does everything it can think of.
Prints what each attack was answered with, and what the neighbour noticed; the last line is the verdict.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

from chaos.servers import script
from chaos.stage import set_the_stage
from chaos.stream import plain_responses
from driver.instance import REPOSITORY, Failure, Instance

from .names import LET_PASS, NEIGHBOUR
from .neighbour import Latency, Neighbour

STAGE_MINUTES_MIN, STAGE_MINUTES_PER_ROUND = 2, 1
"""Of `chaos`: a minute is 160 participants, who have 32,000 answers to give, enough for 160 s."""
QUIET_S = 20.0
WARM_UP_S = 5.0
P50_RATIO_MAX, P99_MS_MAX = 1.5, 500.0
QUOTA_BYTES = 48 << 20


class Run:
    def __init__(self, instance: Instance, neighbour: Neighbour) -> None:
        self._instance = instance
        self._neighbour = neighbour
        self.quiet: list[Latency] = []
        self.attacked: list[Latency] = []
        self.fences: dict[str, Counter[str]] = {}
        self.totals: dict[str, Counter[str]] = {}
        self.without_a_mend = 0
        self.problems: list[str] = []

    def round(self, number: int, seed: str, malformed: int) -> None:
        self._neighbour.begin()
        self._neighbour.send_for(QUIET_S)
        self.quiet.append(self._neighbour.finish())
        self._neighbour.begin()
        command = [sys.executable, "-m", "hostile.attacks", "--instance", str(self._instance.directory), "--seed",
                   seed, "--malformed", str(malformed)]
        # What it prints is one line, which fits into the pipe.
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as attacker:
            self._neighbour.send_for(None, lambda: attacker.poll() is not None)
            told = json.loads(attacker.stdout.read()) if attacker.stdout and attacker.returncode == 0 else None
        if told is None:
            raise Failure("the attacks ended with an error")
        self.attacked.append(self._neighbour.finish())
        self._add(told)
        laps = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in told["seconds"].items())
        print(f"round {number}: alone {self.quiet[-1]}; attacked {self.attacked[-1]} ({laps})", flush=True)

    def _add(self, told: dict[str, Any]) -> None:
        for name, answers in told["fences"].items():
            self.fences.setdefault(name, Counter()).update(answers)
        for name in ("malformed", "settled", "flood", "receipts"):
            self.totals.setdefault(name, Counter()).update(told[name])
        self.without_a_mend += told["withoutMend"]

    def conclude(self, seed: int) -> int:
        sent, receipts, flood = (self.totals[name] for name in ("malformed", "receipts", "flood"))
        print("\nrefused by the broker:")
        for name, answers in self.fences.items():
            print(f"  {name}: " + ", ".join(f"{count} × {told}" for told, count in answers.items()))
        print(f"  a flood beyond the quota: {flood['refused']} of {flood.total()} messages (basic.nack)")
        print(f"\n{sent.total()} malformed messages, of which the broker took {self.totals['settled']['taken']}:")
        for kind, count in sorted(sent.items()):
            print(f"  {count:>7} {kind}")
        print(f"\n{receipts.total()} receipts to their sender:")
        for outcome, count in receipts.most_common():
            print(f"  {count:>7} {outcome}")
        self._judge()
        ratio = median(a.p50_ms / q.p50_ms for a, q in zip(self.attacked, self.quiet, strict=True))
        p99 = median(a.p99_ms for a in self.attacked)
        if ratio > P50_RATIO_MAX:
            self.problems.append(f"the neighbour's p50 grew {ratio:.2f}-fold, allowed {P50_RATIO_MAX}")
        if p99 > P99_MS_MAX:
            self.problems.append(f"the neighbour's p99 was {p99:.0f} ms, allowed {P99_MS_MAX:.0f}")
        for problem in self.problems:
            print(f"  NOT AS IT SHOULD BE: {problem}")
        neighbours = self._neighbour.outcomes
        print(f"hostile: seed={seed} malformed={sent.total()} neighbour={neighbours.total()} "
              f"refused={neighbours.total() - neighbours['accepted']} p50-ratio={ratio:.2f} p99={p99:.0f}ms "
              f"{'ok' if not self.problems else 'FAILED'}")
        return 1 if self.problems else 0

    def _judge(self) -> None:
        settled, receipts, flood = (self.totals[name] for name in ("settled", "receipts", "flood"))
        self.problems += [f"{name} was let pass" for name, answers in self.fences.items() if LET_PASS in answers]
        if settled["refused"]:
            self.problems.append(f"{settled['refused']} malformed messages found the queue full: nobody judged them")
        if receipts.total() != settled["taken"] + flood["taken"]:
            self.problems.append(
                f"{settled['taken'] + flood['taken']} messages were taken and {receipts.total()} receipts came")
        # A message that comes twice to the byte is a duplicate of a refused one.
        self.problems += [f"{count} of the attacker's messages ended as {outcome}" for outcome, count in
                          receipts.items() if outcome.partition(" ")[0] not in ("refused", "duplicate")]
        if self.without_a_mend:
            self.problems.append(f"{self.without_a_mend} refusals do not say what would mend them")
        if not flood["refused"]:
            self.problems.append("the flood stayed below the quota, so nothing was seen of it")
        if self._neighbour.outcomes.keys() != {"accepted"}:
            self.problems.append(f"the neighbour's responses ended as {dict(self._neighbour.outcomes)}")
        if self._neighbour.strange:
            self.problems.append(f"the neighbour got receipts that are not its own: {self._neighbour.strange[:3]}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="hostile", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instance", type=Path, default=REPOSITORY / ".local" / "hostile")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--malformed", type=int, default=20_000, help="per round")
    parser.add_argument("--keep", action="store_true", help="leave the instance running afterwards")
    arguments = parser.parse_args()
    directory: Path = arguments.instance.absolute()
    script("instance.sh", "remove", str(directory))
    try:
        # A quota that a flood reaches: what is larger than a queue may grow in a run of minutes would not be seen.
        os.environ["PUBLISHER_QUEUE_BYTES"] = str(QUOTA_BYTES)
        script("instance.sh", "up", str(directory))
        return attack(Instance(directory), arguments)
    except (Failure, subprocess.SubprocessError) as failure:
        print(f"hostile: seed={arguments.seed} FAILED, {failure}")
        return 1
    finally:
        if not arguments.keep:
            script("instance.sh", "remove", str(directory))


def attack(instance: Instance, arguments: argparse.Namespace) -> int:
    stage = set_the_stage(instance, max(STAGE_MINUTES_MIN, STAGE_MINUTES_PER_ROUND * arguments.rounds))
    messages = plain_responses(arguments.seed, NEIGHBOUR, (source.place for source in stage.sources))
    with Neighbour(instance.publisher_url(NEIGHBOUR), NEIGHBOUR, messages) as neighbour:
        neighbour.send_for(WARM_UP_S)
        neighbour.finish()
        run = Run(instance, neighbour)
        for number in range(1, arguments.rounds + 1):
            run.round(number, f"{arguments.seed}/{number}", arguments.malformed)
        return run.conclude(arguments.seed)


if __name__ == "__main__":
    sys.exit(main())
