"""Reporting's log and projections, computed anew from the journal and from the owners' logs."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from expected import sus_score

from .database import Database
from .feedback import Expected
from .findings import Findings
from .standing import Bindings

FIGURES = ("responses_count", "scored_count", "score_sum", "promoter_count", "passive_count", "detractor_count")


def check_reporting(database: Database, expected: Expected, bound: Bindings, findings: Findings) -> None:
    _check_received(database, bound, findings)
    _check_responses(database, findings)
    _check_cells(database, expected, findings)
    _check_participants(database, findings)
    _check_facts(database, findings)


def _check_received(database: Database, bound: Bindings, findings: Findings) -> None:
    """What reporting has applied it keeps, and nothing else: a figure must open down to its events."""
    for (listener, owner), nouns in bound.items():
        if listener != "reporting":
            continue
        names = ", ".join(f"'{noun}'" for noun in nouns)
        for kind, id_ in database.rows(
                f"select e.type, e.id from {owner}.events e where e.stream in ({names}) and e.type in "
                f"(select type from reporting.received) and not exists "
                f"(select from reporting.received r where r.event_id = e.id)"):
            findings.lost("event that reporting did not keep", f"{kind} {id_}")
        for (id_,) in database.rows(
                f"select r.event_id from reporting.received r where r.owner = '{owner}' and not exists "
                f"(select from {owner}.events e where e.id = r.event_id)"):
            findings.doubled("event that reporting made up", id_)


def _check_responses(database: Database, findings: Findings) -> None:
    told = {response: (int(version), score) for response, version, score in database.rows(
        "select r.response, r.version, v.score from feedback.responses r left join feedback.response_values v "
        "on v.response = r.response and v.version = r.version where r.state = 'valid'")}
    shown = {response: (int(version), score) for response, version, score in database.rows(
        "select response, version, score from reporting.responses where is_counted")}
    for response in told.keys() - shown.keys():
        findings.lost("response that reporting does not count", response)
    for response in shown.keys() - told.keys():
        findings.doubled("response that reporting made up", response)
    for response in told.keys() & shown.keys():
        if shown[response][0] < told[response][0]:
            findings.lost("correction that reporting does not know", f"{response} version {told[response][0]}")
        elif shown[response] != told[response]:
            findings.wrong("score in reporting", f"{response}: {shown[response]}, expected {told[response]}")


def _check_cells(database: Database, expected: Expected, findings: Findings) -> None:
    """The tallies, from the answers as they were published."""
    tallies: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for (experiment, _, instrument, occasion), (_, answers) in expected.cells.items():
        if answers and isinstance(answers[0], list):
            # The store does not say which of two contents counts: reported there already.
            answers = answers[0]
        tallies[experiment, instrument, occasion].update(_tally(instrument, answers))
    shown = {(e, i, o): Counter(dict(zip(FIGURES, map(int, figures), strict=True)))
             for e, i, o, *figures in database.rows(
                 f"select experiment, instrument, occasion, {', '.join(FIGURES)} from reporting.response_cells")}
    for cell in tallies.keys() | shown.keys():
        due, is_ = tallies.get(cell, Counter()), shown.get(cell, Counter())
        name = f"{' '.join(cell)}"
        if due["responses_count"] != is_["responses_count"]:
            findings.compare("count in reporting's figures", {name: due["responses_count"]},
                             {name: is_["responses_count"]})
        elif any(due[figure] != is_[figure] for figure in FIGURES):
            findings.wrong("reporting's figures", f"{name}: {dict(is_)}, expected {dict(due)}")


def _tally(instrument: str, answers: list[Any]) -> Counter[str]:
    if instrument == "SUS":
        return Counter(responses_count=1, scored_count=1, score_sum=int(10 * sus_score(answers)))
    score = answers[0]
    side = "promoter_count" if score >= 9 else "passive_count" if score >= 7 else "detractor_count"
    return Counter({"responses_count": 1, "scored_count": 1, "score_sum": score, side: 1})


def _check_participants(database: Database, findings: Findings) -> None:
    enrolled = database.bag("select experiment, id from experimentation.participants")
    findings.compare("participant in feedback", enrolled,
                     database.bag("select experiment, participant from feedback.participants"))
    findings.compare("participant in reporting", enrolled,
                     database.bag("select experiment, participant from reporting.participants"))
    counts = Counter({e: int(n) for e, n in database.rows(
        "select experiment, participants_count from reporting.participant_counts")})
    findings.compare("count of participants in reporting", Counter(e for e, _ in enrolled.elements()), counts)


# Facts of reporting by kind, with their amounts, and where the same stands in the service that owns it.
FACTS = {
    "envelope-opened": "select id, amount_cents from funding.envelopes",
    "grant-reserved": "select id, reserved_cents from funding.grants where state = 'reserved'",
    "grant-refused": "select id, requested_cents from funding.grants where state = 'refused' and kind = 'animation'",
    "cofunding-approved": "select experiment, reserved_cents from funding.grants "
                          "where state = 'reserved' and kind = 'experiments'",
    "cofunding-refused": "select experiment, requested_cents from funding.grants "
                         "where state = 'refused' and kind = 'experiments'",
    "agreement-signed": "select a.id, g.reserved_cents from funding.agreements a "
                        "join funding.grants g on g.id = a.grant_id where a.state = 'signed'",
    "tranche-released": "select id, amount_cents from funding.tranches where state in ('released', 'paid')",
    "payment-ordered": "select id, amount_cents from funding.payments",
    "payment-executed": "select id, amount_cents from funding.payments where state = 'executed'",
    "call-published": "select id, null::bigint from applications.calls",
    "application-decided": "select application, null::bigint from applications.decisions",
    "site-opened": "select agreement, null::bigint from experimentation.sites where state = 'open'",
    "experiment-registered": "select id, null::bigint from experimentation.experiments",
}
KEYED_BY = {"site-opened": "agreement"}


def _check_facts(database: Database, findings: Findings) -> None:
    for kind, sql in FACTS.items():
        amount = "amount_cents" if "null::bigint" not in sql else "null::bigint"
        key = KEYED_BY.get(kind, "lower(key)")
        shown = database.bag(f"select {key}, {amount} from reporting.facts where kind = '{kind}'")
        findings.compare(f"fact {kind} in reporting", database.bag(sql), shown)
