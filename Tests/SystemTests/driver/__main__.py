"""python3 -m driver --instance DIRECTORY [--scenario FILE] [--kill NAME] [--midway COMMAND]

Leads a whole wave through a running system and compares every figure with the scenario's. The last line is
`demo: ok, N events, N responses, 0 lost, 0 doubled` with status 0, or `demo: FAILED …` with status 1.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from . import contracting, experimenting, selection
from .campaign import Campaign, CampaignResult
from .figures import (
    Mismatch,
    lost_and_doubled,
    receipt_mismatches,
    receipt_totals,
    settled_programme,
)
from .http_api import Api
from .instance import REPOSITORY, SERVICES, Failure, Instance
from .money_trail import money_trail
from .programme_clock import ProgrammeClock
from .programme_table import number, programme_lines
from .wave import Cast, Progress, Wave

SCENARIO = REPOSITORY / "Tests" / "Resources" / "scenarios" / "wave-1.json"
MISMATCHES_SHOWN = 20


def lead(wave: Wave, kill: str | None, midway: str | None = None) -> CampaignResult:
    """The main line, step by step."""
    selection.open_call(wave)
    selection.apply(wave)
    selection.judge(wave)
    contracting.sign_agreement(wave)
    experimenting.open_site(wave)
    wave.move_to("advancePaid")
    contracting.pay_tranche(wave, 1)
    contracting.amend_agreement(wave)
    experimenting.start_experiments(wave)
    places = experimenting.enrol_participants(wave)
    result = Campaign(wave, places, kill, midway).run()
    if 2 not in wave.paid:
        contracting.pay_tranche(wave, 2)
    experimenting.complete_experiments(wave)
    contracting.pay_tranche(wave, 3)
    contracting.settle_agreement(wave)
    return result


def report(wave: Wave, result: CampaignResult) -> int:
    """Compares, prints, and says whether the run was as it had to be."""
    programme, mismatches = settled_programme(wave)
    mismatches += receipt_mismatches(result)
    expected = wave.scenario["expected"]
    if (totals := receipt_totals(result)) != expected["receipts"]:
        mismatches.append(Mismatch("receipts in all", expected["receipts"], totals))
    if result.published != expected["messages"]["total"] and not result.sent_again:
        mismatches.append(Mismatch("messages published", expected["messages"]["total"], result.published))
    print("\n".join(programme_lines(wave, programme)))
    rate = number(round(result.published / max(result.seconds, 0.001)))
    told = ", ".join(f"{number(count)} {outcome}" for outcome, count in totals.items())
    print(f"\n  Receipts: {told}. Campaign: {result.seconds:.1f} s, {rate} messages/s in and answered.")
    mismatches += show_provenance(wave)
    for service in SERVICES:
        resident = wave.instance.memory_mib(service)
        memory = f"  {resident:>4} MiB resident" if resident else ""
        print(f"  {service:<16} {wave.instance.url(service)}{memory}")
    lost, doubled = lost_and_doubled(wave.scenario, wave, programme)
    responses = sum(line["n"] or 0 for line in programme["responses"])
    events = expected["messages"]["total"]
    cells = len(expected["responses"])
    print(f"\n  {cells} cells of responses and all other figures compared after {wave.progress.seconds:.1f} s\n")
    if mismatches or lost or doubled:
        for mismatch in mismatches[:MISMATCHES_SHOWN]:
            print(f"  {mismatch}")
        print(f"demo: FAILED, {len(mismatches)} figures differ, {events} events, {responses} responses, "
              f"{lost} lost, {doubled} doubled")
        return 1
    print(f"demo: ok, {events} events, {responses} responses, {lost} lost, {doubled} doubled")
    return 0


def show_provenance(wave: Wave) -> list[Mismatch]:
    """The money that was paid, down to the evidence that allowed it."""
    lines, mismatches = money_trail(wave)
    print("\n  " + "\n  ".join(lines) + "\n")
    return mismatches


def main() -> int:
    parser = argparse.ArgumentParser(prog="driver", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instance", type=Path, required=True, help="folder of the running system")
    parser.add_argument("--scenario", type=Path, default=SCENARIO)
    parser.add_argument("--kill", choices=[*SERVICES, "postgres", "rabbitmq"],
                        help="process that is ended with -9 in the middle of the campaign")
    parser.add_argument("--midway", metavar="COMMAND", help="shell command that is run in the middle of the campaign")
    arguments = parser.parse_args()
    try:
        instance = Instance(arguments.instance)
        scenario = json.loads(arguments.scenario.read_text(encoding="utf-8"))
        api = Api(instance)
        wave = Wave(scenario, instance, api, ProgrammeClock(instance.clock_path), Progress(), Cast(api, scenario))
        return report(wave, lead(wave, arguments.kill, arguments.midway))
    except Failure as failure:
        print(f"\ndemo: FAILED, {failure}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
