"""python3 -m chaos.check --instance DIRECTORY --journal DIRECTORY [--database NAME]

Compares the journal of a run with the instance's database and broker. The last line is
`chaos: seed=n faults=n acknowledged=n lost=0 doubled=0 ledger=balanced`; the status is 0 only for exactly that, with
every kind of fault made as often as is asked for.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from driver.instance import Failure, Instance

from chaos.stage_names import COMMANDS_JOURNAL, FEEDBACK_JOURNAL, RUN_FILE

from . import feedback, money, neighbours, reporting, standing
from .database import Database
from .findings import Findings


def main() -> int:
    parser = argparse.ArgumentParser(prog="check", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instance", type=Path, required=True)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--database", default="maillage", help="a copy of the instance's, for instance")
    arguments = parser.parse_args()
    try:
        run = json.loads((arguments.journal / RUN_FILE).read_text(encoding="utf-8"))
        instance = Instance(arguments.instance)
        findings = check(instance, Database(instance, arguments.database), arguments.journal, run)
    except (Failure, OSError) as failure:
        print(f"chaos: FAILED, {failure}")
        return 1
    return conclude(run, findings)


def check(instance: Instance, database: Database, journal: Path, run: dict[str, Any]) -> Findings:
    findings = Findings()
    bound = standing.bindings(instance)
    print("events of each owner's log and who received them:")
    print("\n".join(standing.check_listeners(database, bound, findings)))
    standing.check_inboxes(database, findings)
    standing.check_at_rest(database, findings)
    standing.check_sequences(database, findings)
    standing.check_queues(instance, findings)
    messages = _lines(journal / FEEDBACK_JOURNAL)
    expected = feedback.check_feedback(database, messages, findings)
    reporting.check_reporting(database, expected, bound, findings)
    commands = _lines(journal / COMMANDS_JOURNAL)
    money.check_commands(database, commands, run["before"], findings)
    money.check_ledger(database, findings)
    neighbours.check_neighbours(database, findings)
    _tell(messages, commands, expected)
    return findings


def conclude(run: dict[str, Any], findings: Findings) -> int:
    """Prints what was found and the last line."""
    too_few = {kind: count for kind, count in run["faults"].items() if count < run["minimumPerKind"]}
    for kind, count in sorted(too_few.items()):
        print(f"  FAULTS too few of {kind}: {count}, at least {run['minimumPerKind']} are asked for")
    if run["faultsInAll"] < run["minimumInAll"]:
        print(f"  FAULTS too few: {run['faultsInAll']}, at least {run['minimumInAll']} are asked for")
        too_few["all"] = run["faultsInAll"]
    print("\n".join(findings.lines()), end="\n" if findings.lines() else "")
    others = findings.total("wrong")
    print(f"chaos: seed={run['seed']} faults={run['faultsInAll']} acknowledged={run['acknowledged']} "
          f"lost={findings.total('lost')} doubled={findings.total('doubled')} "
          f"ledger={'balanced' if findings.is_ledger_balanced else 'UNBALANCED'}"
          + (f" wrong={others}" if others else "") + (" faults-missing" if too_few else ""))
    return 0 if findings.is_clean and not too_few else 1


def _lines(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _tell(messages: list[dict[str, Any]], commands: list[dict[str, Any]], expected: feedback.Expected) -> None:
    kinds = Counter(m["kind"] for m in messages if m["confirms"])
    answers = Counter(f"{c['kind']} {c['status']}" for c in commands)
    replays = Counter(c["replay"] for c in commands if c["replay"] is not None)
    print("confirmed feedback: " + ", ".join(f"{n} {kind}" for kind, n in kinds.most_common()))
    print(f"answered cells: {len(expected.cells)}, of which {expected.counts['overtaken']} by the later of two answers")
    print("money commands: " + ", ".join(f"{n} {answer}" for answer, n in sorted(answers.items())))
    print(f"answers asked for again under their key: {replays[True]} the same, {replays[False]} different")


if __name__ == "__main__":
    sys.exit(main())
