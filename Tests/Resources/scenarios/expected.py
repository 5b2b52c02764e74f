"""The figures that a scenario has to end in, by exact fractions from the published rules."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from feedback_stream import Answer, FeedbackStream

Scenario = dict[str, Any]


def expected_figures(scenario: Scenario, stream: FeedbackStream) -> dict[str, Any]:
    funded = next(a for a in scenario["applications"] if a["outcome"] == "funded")
    grant = _animation_grant(scenario, funded)
    return {
        "applications": _application_states(scenario),
        "ineligible": {a["key"]: a["reasons"] for a in scenario["applications"] if not a["isEligible"]},
        "reserveList": {a["key"]: a["rank"] for a in scenario["applications"] if a["outcome"] == "reserve"},
        "places": {"target": scenario["call"]["placesTarget"], "funded": 1, "reserve": 1, "contracted": 1, "opened": 1},
        "money": _money(scenario, grant),
        "tranches": _tranches(scenario, grant),
        "experiments": {
            e["key"]: {"state": "completed", "participants": e["participants"],
                       "cofundingCents": _experiment_grant(scenario, e)}
            for e in scenario["experiments"]
        },
        "milestones": _milestones(scenario, stream),
        "messages": _messages(stream),
        "receipts": _receipts(scenario, stream),
        "responses": _responses(scenario, stream),
    }


# MARK: Money, in cents; every cap is rounded down to the cent

def _animation_grant(scenario: Scenario, application: dict[str, Any]) -> int:
    rules = scenario["ruleSet"]
    by_rate = Fraction(rules["animationRateBasisPoints"], 10_000) * application["animationBudgetCents"]
    ceiling = rules["animationCeilingCents"][application["lead"]["structureType"]]
    return min(int(by_rate), int(ceiling), int(application["requestedCents"]))


def _experiment_grant(scenario: Scenario, experiment: dict[str, Any]) -> int:
    rules = scenario["ruleSet"]
    by_rate = Fraction(rules["experimentRateBasisPoints"], 10_000) * experiment["budgetCents"]
    return min(int(by_rate), int(rules["experimentCeilingCents"]), int(experiment["requestedCents"]))


def _tranches(scenario: Scenario, grant: int) -> list[dict[str, Any]]:
    """The last one takes what rounding left over."""
    amounts = [int(Fraction(t["share"], 100) * grant) for t in scenario["tranches"]]
    amounts[-1] = grant - sum(amounts[:-1])
    return [{"number": t["number"], "amountCents": a} for t, a in zip(scenario["tranches"], amounts, strict=True)]


def _money(scenario: Scenario, grant: int) -> dict[str, dict[str, int]]:
    """The animation grant has an agreement and is paid; experiments' co-funding stays reserved without one."""
    cofunding = sum(_experiment_grant(scenario, e) for e in scenario["experiments"])
    call = scenario["call"]
    animation = {"envelope": call["animationEnvelopeCents"], "reserved": grant, "committed": grant, "released": grant,
                 "paid": grant}
    experiments = {"envelope": call["experimentsEnvelopeCents"], "reserved": cofunding, "committed": 0, "released": 0,
                   "paid": 0}
    total = {step: animation[step] + experiments[step] for step in animation}
    return {"animation": animation, "experiments": experiments, "total": total}


def _application_states(scenario: Scenario) -> dict[str, int]:
    states = {"funded": "contracted", "reserve": "reserve", None: "ineligible"}
    return dict(Counter(states[a["outcome"]] for a in scenario["applications"]))


# MARK: Feedback

def milestone_terms(scenario: Scenario, stream: FeedbackStream, experiment: str) -> dict[str, Any]:
    """A share of the responses that an experiment will have: reached somewhere in the middle of it."""
    terms = scenario["protocol"]["milestone"]
    count = sum(1 for a in stream.responses() if a.experiment == experiment)
    return {"milestone": terms["milestone"], "responsesCountMin": count * terms["shareOfResponses"] // 100}


def _milestones(scenario: Scenario, stream: FeedbackStream) -> dict[str, dict[str, Any]]:
    return {e["key"]: milestone_terms(scenario, stream, e["key"]) for e in scenario["experiments"]}


def _messages(stream: FeedbackStream) -> dict[str, int]:
    kinds = Counter(a.deviation or "response" for a in [*stream.responses(), *stream.deviations()])
    return {"total": kinds.total(), **dict(sorted(kinds.items()))}


def _receipts(scenario: Scenario, stream: FeedbackStream) -> dict[str, int]:
    """Messages by the answer that their publisher gets in the end."""
    outcomes = Counter({"accepted": len(stream.responses())})
    for deviation in scenario["feedback"]["deviations"]:
        outcomes[deviation["outcome"]] += deviation["count"]
    return dict(sorted(outcomes.items()))


def _responses(scenario: Scenario, stream: FeedbackStream) -> list[dict[str, Any]]:
    """Per experiment, instrument and occasion; a correction takes the place of what it corrects."""
    final: dict[str, Answer] = {a.identity: a for a in stream.responses()}
    for answer in stream.deviations():
        if answer.deviation == "correction" and answer.amends is not None:
            final[answer.amends] = answer
    cells: dict[tuple[str, str, int], list[Answer]] = defaultdict(list)
    for answer in final.values():
        cells[answer.experiment, answer.instrument, answer.week].append(answer)
    return [
        {"experiment": experiment, "instrument": instrument, "occasion": f"W{week}", "n": len(answers),
         **(_sus_figures(answers) if instrument == "SUS" else _nps_figures(answers))}
        for (experiment, instrument, week), answers in sorted(cells.items())
    ]


def sus_score(levels: Iterable[int | None]) -> Fraction:
    """Brooke's formula, 0…100; an item left out counts as the neutral level 3 (Bangor et al. 2009)."""
    points = 0
    for item, level in enumerate(levels, start=1):
        value = 3 if level is None else level
        points += value - 1 if item % 2 == 1 else 5 - value
    return Fraction(5, 2) * points


def _sus_figures(answers: list[Answer]) -> dict[str, Any]:
    mean = sum((sus_score(a.answers) for a in answers), Fraction(0)) / len(answers)
    return {"mean": two_places(mean)}


def _nps_figures(answers: list[Answer]) -> dict[str, Any]:
    """Promoters 9 and 10, detractors 0 to 6; the score is their difference in per cent of all."""
    values = [a.answers[0] for a in answers]
    promoters = sum(1 for v in values if v is not None and v >= 9)
    detractors = sum(1 for v in values if v is not None and v <= 6)
    return {"promoters": promoters, "passives": len(values) - promoters - detractors, "detractors": detractors,
            "nps": two_places(Fraction(100 * (promoters - detractors), len(values)))}


def two_places(value: Fraction) -> str:
    """Rounded half away from zero, as a decimal text."""
    hundredths = abs(value) * 100
    whole, rest = divmod(hundredths.numerator, hundredths.denominator)
    if 2 * rest >= hundredths.denominator:
        whole += 1
    sign = "-" if value < 0 and whole else ""
    return f"{sign}{whole // 100}.{whole % 100:02d}"
