"""The figures that have to come out, beside those that the system reports."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from .campaign import CampaignResult
from .instance import Failure
from .wave import Scenario, Wave

PATIENCE_S = 120.0
QUIET_S = 20.0
"""Reporting that has not moved for so long will not move any more."""


@dataclass(frozen=True)
class Mismatch:
    figure: str
    expected: object
    actual: object

    def __str__(self) -> str:
        return f"{self.figure}: expected {self.expected}, found {self.actual}"


Figures = dict[str, object]


def expected_figures(scenario: Scenario) -> Figures:
    """One line per figure, under the names that `reported_figures` uses."""
    expected = scenario["expected"]
    figures: Figures = {f"applications {state}": count for state, count in expected["applications"].items()}
    figures |= {f"ineligible {key}": reasons for key, reasons in expected["ineligible"].items()}
    figures |= {f"reserve list {key}": rank for key, rank in expected["reserveList"].items()}
    figures |= {f"places {name}": count for name, count in expected["places"].items()}
    for scope, line in expected["money"].items():
        figures |= {f"{step} {scope}": cents for step, cents in line.items()}
    for tranche in expected["tranches"]:
        figures[f"tranche {tranche['number']}"] = (tranche["amountCents"], "paid")
    for key, experiment in expected["experiments"].items():
        figures |= {f"{name} {key}": value for name, value in experiment.items()}
    for key, milestone in expected["milestones"].items():
        figures[f"milestone {key} {milestone['milestone']}"] = milestone["responsesCountMin"]
    for cell in expected["responses"]:
        figures |= _cell(cell["experiment"], cell)
    return figures


def reported_figures(wave: Wave, programme: dict[str, Any]) -> Figures:
    """What reporting's programme page says, with the scenario's keys in place of ids."""
    applications = {id_: key for key, id_ in wave.applications.items()}
    experiments = {id_: key for key, id_ in wave.experiments.items()}
    figures: Figures = {
        f"applications {state}": figure["count"]
        for state, figure in programme["applications"]["byState"].items() if figure["count"]
    }
    figures |= {f"ineligible {applications.get(a['application'])}": a["reasons"]
                for a in programme["applications"]["ineligible"]}
    figures |= {f"reserve list {applications.get(a['application'])}": a["rank"]
                for a in programme["applications"]["reserveList"]}
    figures |= {f"places {name}": figure["count"] for name, figure in programme["places"].items()}
    for scope in ("animation", "experiments", "total"):
        figures |= {f"{step} {scope}": figure["cents"] for step, figure in programme["money"][scope].items()}
    for agreement in programme["money"]["agreements"]:
        figures |= {f"tranche {t['number']}": (t["amountCents"], t["state"]) for t in agreement["tranches"]}
    for line in programme["experiments"]:
        key = experiments.get(line["experiment"])
        figures |= {f"state {key}": line["state"], f"participants {key}": line["participants"]["count"],
                    f"cofundingCents {key}": line["cofunding"]["cents"]}
    for line in programme["milestones"]:
        figures[f"milestone {experiments.get(line['experiment'])} {line['milestone']}"] = line["responsesCountMin"]
    for line in programme["responses"]:
        figures |= _cell(str(experiments.get(line["experiment"])), line)
    return figures


def _cell(experiment: str, line: dict[str, Any]) -> Figures:
    name = f"{experiment} {line['instrument']} {line['occasion']}"
    fields = ("n", "mean") if line["instrument"] == "SUS" else ("n", "promoters", "passives", "detractors", "nps")
    return {f"{name} {field}": line.get(field) for field in fields}


def compare(expected: Figures, actual: Figures) -> list[Mismatch]:
    """Also what nobody expected is a mismatch."""
    names = list(expected) + [name for name in actual if name not in expected]
    return [Mismatch(n, expected.get(n), actual.get(n)) for n in names if expected.get(n) != actual.get(n)]


def settled_programme(wave: Wave) -> tuple[dict[str, Any], list[Mismatch]]:
    """Reads the programme until every figure stands; gives up when nothing moves any more."""
    expected = expected_figures(wave.scenario)
    began = moved = time.monotonic()
    before: Figures = {}
    while True:
        programme = wave.api.get(wave.cast.ministry, "reporting", "/v1/programme").body
        actual = reported_figures(wave, programme)
        mismatches = compare(expected, actual)
        now = time.monotonic()
        if actual != before:
            before, moved = actual, now
        if not mismatches or now - moved > QUIET_S or now - began > PATIENCE_S:
            return programme, mismatches
        wave.progress.count(f"reporting: {len(mismatches)} figures are not there yet")
        time.sleep(0.2)


def lost_and_doubled(scenario: Scenario, wave: Wave, programme: dict[str, Any]) -> tuple[int, int]:
    """Responses too few and too many, cell by cell, so that one error cannot hide another."""
    reported = reported_figures(wave, programme)
    lost = doubled = 0
    for cell in scenario["expected"]["responses"]:
        n = reported.get(f"{cell['experiment']} {cell['instrument']} {cell['occasion']} n")
        count = n if isinstance(n, int) else 0
        lost += max(0, cell["n"] - count)
        doubled += max(0, count - cell["n"])
    return lost, doubled


def receipt_mismatches(result: CampaignResult) -> list[Mismatch]:
    """Every message has the receipt that it deserves, and nothing got one that was never sent.

    What came twice after a broken connection, because the outside system sent it again or because the broker had not seen
    it acknowledged, may be called a duplicate besides.
    """
    mismatches = []
    for name in sorted(result.expected.keys() | result.outcomes.keys()):
        expected = set(result.expected.get(name, ()))
        told = set(result.outcomes.get(name, ()))
        surplus = told - expected
        if result.sent_again or result.was_cut:
            # The duplicate of what was refused says again why.
            surplus -= {("duplicate", reason) for _, reason in expected}
        if expected - told or surplus:
            mismatches.append(Mismatch(f"receipts of {name}", sorted(map(str, expected)), sorted(map(str, told))))
    return mismatches


def receipt_totals(result: CampaignResult) -> dict[str, int]:
    """Messages by outcome, each message once however often its receipt came."""
    totals: dict[str, int] = {}
    for name, outcomes in result.expected.items():
        told = result.outcomes.get(name, Counter())
        for outcome, count in outcomes.items():
            if outcome in told:
                totals[outcome[0]] = totals.get(outcome[0], 0) + count
    return dict(sorted(totals.items()))


def events_behind(wave: Wave, figure: str) -> list[str]:
    """The ids of all events that make a figure, page by page."""
    events: list[str] = []
    cursor = ""
    while True:
        path = f"/v1/figures/{figure}/events?limit=200{cursor}"
        page = wave.api.get(wave.cast.ministry, "reporting", path).body
        events += [item["event"] for item in page["items"]]
        if not page.get("next"):
            break
        cursor = f"&cursor={page['next']}"
    if len(set(events)) != len(events):
        raise Failure(f"figure {figure} names the same event twice")
    return events
