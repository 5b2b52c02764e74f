"""python3 -m chaos --instance DIRECTORY --seed N --minutes M

Raises an instance, leads the main line up to enrolled participants, and then for M minutes publishes feedback and gives
money commands while faults of a seeded schedule strike. When everything is quiet the checker compares what was
acknowledged with what stands; its last line is the run's.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from driver.instance import REPOSITORY, Failure, Instance

from .check.__main__ import check, conclude
from .check.database import Database
from .check.money import known_before
from .commands import Commands
from .faults import Faults
from .fronts import Fronts
from .money import Money
from .publishers import Load, Publisher
from .quiet import wait_until_quiet
from .schedule import KINDS, SLOT_S, minimum_per_kind, schedule
from .servers import Servers, script
from .stage import Stage, raise_instance, set_the_stage
from .stage_names import COMMANDS_JOURNAL, FAULTS_LOG, FEEDBACK_JOURNAL, RUN_FILE
from .stream import Stream

CONFIRM_PATIENCE_S = 300
TOLD_EVERY_S = 20.0
EVENTS_AIMED_AT, COMMANDS_AIMED_AT = 20_000, 500
"""Per minute."""


class Run:
    def __init__(self, instance: Instance, stage: Stage, journal: Path, seed: int, minutes: float) -> None:
        self._instance = instance
        self._stage = stage
        self._journal = journal
        self._seed = seed
        self._minutes = minutes
        self._began = time.monotonic()
        self._stopping = threading.Event()
        self._commands = Commands(stage.wave.api, self._stopping)
        self._faults: Faults | None = None

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self._began:7.1f} s  {text}", flush=True)

    def lead(self, fronts: Fronts) -> dict[str, Any]:
        """The load, the faults, the quiet after them; returns what the checker has to know."""
        before = known_before(Database(self._instance))
        with ExitStack() as stack:
            servers = stack.enter_context(Servers(self._instance))
            publishers = {name: stack.enter_context(self._publisher(name, fronts))
                          for name in dict.fromkeys(s.publisher for s in self._stage.sources)}
            load = Load(Stream(self._seed, self._stage.sources), publishers, self._stopping, self._minutes * 60)
            faults = Faults(self._instance, servers, fronts, self._journal / FAULTS_LOG)
            stack.callback(faults.close)
            money = Money(self._stage, self._commands, self._seed, self._minutes * 60)
            self._strike(load, money, faults)
            self.say(f"load and faults are over, servers were started again {servers.mends} times; waiting for quiet")
            for publisher in publishers.values():
                publisher.wait_until_confirmed(CONFIRM_PATIENCE_S)
            quiet_s = wait_until_quiet(self._instance, lambda: sum(p.backlog() for p in publishers.values()), self.say)
            self.say(f"quiet {quiet_s:.1f} s after the last confirmation")
            self._tell_trouble(load, money, servers)
            return self._write(load, faults, before)

    def _publisher(self, name: str, fronts: Fronts) -> Publisher:
        direct = self._instance.fact("RABBITMQ_PORT")
        url = self._instance.publisher_url(name).replace(f":{direct}/", f":{fronts.ports['publishers']}/")
        return Publisher(url, name)

    def _strike(self, load: Load, money: Money, faults: Faults) -> None:
        bodies = {"feedback": load.run, "money": money.run,
                  "faults": lambda: faults.run(schedule(self._seed, self._minutes), self._stopping)}
        failures: list[BaseException] = []

        def guarded(body: Any) -> None:
            try:
                body()
            except BaseException as error:
                failures.append(error)
                self._stopping.set()

        threads = [threading.Thread(target=guarded, args=(body,), name=name) for name, body in bodies.items()]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        told = 0.0
        while not self._stopping.wait(0.2) and time.monotonic() - began < self._minutes * 60:
            if time.monotonic() - began > told + TOLD_EVERY_S:
                told += TOLD_EVERY_S
                self.say(f"{load.confirmed():>7} events confirmed, {len(self._commands.entries):>5} money commands "
                         f"answered, {faults.made.total():>3} faults; {load.waiting()}")
        self._stopping.set()
        for thread in threads:
            thread.join()
        self._commands.close()
        if failures:
            raise failures[0]

    def _tell_trouble(self, load: Load, money: Money, servers: Servers) -> None:
        again = sum(p.sent_again for p in load.publishers.values())
        receipts = sum(p.receipts_count for p in load.publishers.values())
        self.say(f"{again} messages were sent again, {receipts} receipts came, "
                 f"{self._commands.internal_errors} answers were internal errors")
        for complaint in [*money.complaints, *servers.complaints][:10]:
            self.say(f"on the way: {complaint}")

    def _write(self, load: Load, faults: Faults, before: dict[str, list[str]]) -> dict[str, Any]:
        events, commands = load.confirmed(), sum(self._commands.acknowledged().values())
        self.say(f"acknowledged: {events} events and {commands} money commands; aimed at "
                 f"{EVENTS_AIMED_AT * self._minutes:.0f} and {COMMANDS_AIMED_AT * self._minutes:.0f}")
        self.say("faults: " + ", ".join(f"{faults.made[kind]} {kind}" for kind in KINDS))
        if faults.missed:
            self.say("nothing to hit: " + ", ".join(f"{n} {kind}" for kind, n in sorted(faults.missed.items())))
        run = {"seed": self._seed, "minutes": self._minutes, "before": before, "acknowledged": events + commands,
               "faults": {kind: faults.made[kind] for kind in KINDS}, "faultsInAll": faults.made.total(),
               "minimumPerKind": minimum_per_kind(self._minutes), "minimumInAll": int(self._minutes * 60 / SLOT_S)}
        _dump(self._journal / FEEDBACK_JOURNAL, load.entries())
        _dump(self._journal / COMMANDS_JOURNAL, self._commands.entries)
        (self._journal / RUN_FILE).write_text(json.dumps(run), encoding="utf-8")
        return run


def _dump(path: Path, entries: Any) -> None:
    with path.open("w", encoding="utf-8") as file:
        for entry in entries:
            file.write(json.dumps(entry, separators=(",", ":")) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instance", type=Path, default=REPOSITORY / ".local" / "chaos")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--keep", action="store_true", help="leave the instance running afterwards")
    arguments = parser.parse_args()
    directory: Path = arguments.instance.absolute()
    directory.parent.mkdir(parents=True, exist_ok=True)
    with directory.with_name(f"{directory.name}.lock").open("w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print(f"chaos: FAILED, another run uses {directory}")
            return 1
        return run(directory, arguments)


def run(directory: Path, arguments: argparse.Namespace) -> int:
    """From an empty folder to the verdict, and the folder empty again."""
    journal = directory.with_name(f"{directory.name}-journal")
    journal.mkdir(parents=True, exist_ok=True)
    status = 1
    fronts = None
    try:
        script("instance.sh", "remove", str(directory))
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "env").touch()
        fronts = Fronts(directory / "env")
        instance = raise_instance(directory, fronts)
        began = time.monotonic()
        stage = set_the_stage(instance, arguments.minutes)
        print(f"the stage is set after {time.monotonic() - began:.0f} s: {len(stage.sources)} experiments, "
              f"{sum(len(s.place.pseudonyms) for s in stage.sources)} participants, {len(stage.careers)} grants",
              flush=True)
        told = Run(instance, stage, journal, arguments.seed, arguments.minutes).lead(fronts)
        status = conclude(told, check(instance, Database(instance), journal, told))
    except (Failure, subprocess.SubprocessError) as failure:
        print(f"chaos: seed={arguments.seed} FAILED, {failure}")
    finally:
        _leave(directory, journal, status, arguments.keep)
        if fronts is not None:
            fronts.close()
    return status


def _leave(directory: Path, journal: Path, status: int, keep: bool) -> None:
    """Logs of a failed run are what one needs next."""
    if status != 0 and (directory / "logs").is_dir():
        subprocess.run(["cp", "-rL", str(directory / "logs"), str(journal)], check=False, capture_output=True)
        print(f"logs and journal: {journal}", file=sys.stderr)
    if not keep:
        script("instance.sh", "remove", str(directory))


if __name__ == "__main__":
    sys.exit(main())
