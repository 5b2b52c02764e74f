"""Confirmed feedback against what feedback stored and logged, and what its publishers were told."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .database import NULL, Database
from .findings import Findings

Entry = dict[str, Any]
Cell = tuple[str, str, str, str]
"""Experiment, pseudonym, instrument, occasion."""

# What becomes of each kind of message; the others depend on what they follow.
REFUSED = {"level-six": "level-out-of-range", "unknown-instrument": "unknown-instrument",
           "unknown-occasion": "not-in-protocol", "comment-too-long": "comment-too-long"}


@dataclass
class Stored:
    """A row of `feedback.identities`."""

    outcome: str
    reason: str | None
    response: str
    version: int


@dataclass
class Expected:
    """What the journal says must stand in the end."""

    cells: dict[Cell, tuple[int, list[Any]]] = field(default_factory=dict)
    """Version and answers in force of every answered cell."""
    counts: Counter[str] = field(default_factory=Counter)


def check_feedback(database: Database, entries: list[Entry], findings: Findings) -> Expected:
    confirmed = [e for e in entries if e["confirms"]]
    stored = _identities(database)
    expected = Expected(counts=Counter({"published": len(entries), "identities": len(stored)}))
    _check_unreadable(database, (e for e in confirmed if e["kind"] == "not-json"), findings)
    groups: dict[Cell, list[Entry]] = defaultdict(list)
    for entry in confirmed:
        if entry["kind"] in REFUSED or entry["kind"] == "unknown-participant":
            _check_refused(entry, stored, findings)
        elif entry["kind"] != "not-json":
            cell = (entry["experiment"], entry["participant"], entry["instrument"], entry["occasion"])
            groups[cell].append(entry)
    for cell, group in groups.items():
        _check_cell(cell, group, stored, expected, findings)
    _check_strangers(entries, stored, findings)
    _check_responses(database, expected, findings)
    _check_log(database, findings)
    return expected


def _identities(database: Database) -> dict[tuple[str, str], Stored]:
    rows = database.rows("select publisher, event_id, outcome, reason, response, version from feedback.identities")
    return {(publisher, id_): Stored(outcome, None if reason == NULL else reason, response,
                                     int(version) if version != NULL else 0)
            for publisher, id_, outcome, reason, response, version in rows}


# MARK: Message by message

def _check_unreadable(database: Database, entries: Iterable[Entry], findings: Findings) -> None:
    quarantined = {(publisher, body_hash) for publisher, body_hash in database.rows(
        "select publisher, encode(sha256(body), 'hex') from feedback.quarantine")}
    for entry in entries:
        if (entry["publisher"], hashlib.sha256(entry["body"].encode()).hexdigest()) not in quarantined:
            findings.lost("unreadable message not in quarantine", entry["identity"])


def _check_refused(entry: Entry, stored: dict[tuple[str, str], Stored], findings: Findings) -> None:
    row = stored.get((entry["publisher"], entry["identity"]))
    reason = REFUSED.get(entry["kind"])
    outcome = "refused" if reason else "waiting"
    if row is None:
        findings.lost("confirmed message not stored", entry["identity"])
    elif (row.outcome, row.reason) != (outcome, reason):
        findings.wrong("message judged wrongly", f"{entry['identity']} {entry['kind']}: {row.outcome} {row.reason}")
    else:
        _check_receipt(entry, (outcome, reason), findings)


def _check_receipt(entry: Entry, due: tuple[str, str | None], findings: Findings) -> None:
    told = {(outcome, reason) for outcome, reason, _ in entry["receipts"]}
    # What waited was told so first; what came twice is called a duplicate besides, with the reason of the first.
    others = {("waiting", None), ("duplicate", None), ("duplicate", due[1])}
    if entry["kind"] == "response" or entry["kind"] in ("duplicate", "identity-conflict"):
        others.add(("refused", "identity-conflict"))
        others.add(("duplicate", "identity-conflict"))
    if due not in told:
        findings.lost("receipt", f"{entry['identity']}: {due[0]} expected, {sorted(map(str, told))} told")
    elif told - {due} - others:
        findings.wrong("receipt", f"{entry['identity']}: {sorted(map(str, told - {due}))} told besides {due[0]}")


def _check_cell(cell: Cell, group: list[Entry], stored: dict[tuple[str, str], Stored], expected: Expected,
                findings: Findings) -> None:
    """One participant's answer to one instrument at one time, with what followed it."""
    accepted: list[tuple[Entry, Stored]] = []
    for identity in dict.fromkeys(e["identity"] for e in group):
        entry = next(e for e in group if e["identity"] == identity)
        row = stored.get((entry["publisher"], identity))
        if row is None:
            findings.lost("confirmed message not stored", identity)
        elif row.outcome == "accepted":
            accepted.append((entry, row))
            _check_receipt(entry, ("accepted", None), findings)
        elif (row.outcome, row.reason) == ("refused", "already-answered"):
            _check_receipt(entry, ("refused", "already-answered"), findings)
        else:
            findings.wrong("message judged wrongly", f"{identity} {entry['kind']}: {row.outcome} {row.reason}")
    kinds = Counter(e["kind"] for e, _ in accepted)
    answers = kinds["response"] + kinds["already-answered"]
    if answers > 1:
        findings.doubled("two answers of one participant counted", " ".join(cell))
    if not accepted or answers == 0:
        if all(e["identity"] in {i for _, i in stored} for e in group):
            findings.lost("no answer of a cell was accepted", " ".join(cell))
        return
    if "already-answered" in kinds:
        expected.counts["overtaken"] += 1
    last = max(accepted, key=lambda pair: pair[1].version)
    if {row.response for _, row in accepted} != {last[1].response} or \
            sorted(row.version for _, row in accepted) != list(range(1, len(accepted) + 1)):
        findings.wrong("versions of a response", f"{last[1].response}: {sorted(r.version for _, r in accepted)}")
    expected.cells[cell] = (len(accepted), _answers_in_force(last[0], group))


def _answers_in_force(entry: Entry, group: list[Entry]) -> list[Any]:
    """One of two contents under one identity counts: whichever came first. Both are given, the store says which."""
    return [e["answers"] for e in group if e["identity"] == entry["identity"]]


def _check_strangers(entries: list[Entry], stored: dict[tuple[str, str], Stored], findings: Findings) -> None:
    known = {(e["publisher"], e["identity"]) for e in entries}
    for publisher, identity in stored.keys() - known:
        if not identity.startswith("bytes:"):
            findings.wrong("stored and never published", f"{publisher} {identity}")


# MARK: Rows and log

def _check_responses(database: Database, expected: Expected, findings: Findings) -> None:
    """One row per answered cell, at the right version, with the answers in force."""
    found: dict[Cell, tuple[int, Any]] = {}
    for experiment, pseudonym, instrument, occasion, version, answers in database.rows("""
            select r.experiment, p.pseudonym, r.instrument, r.occasion, r.version, v.answers
            from feedback.responses r
            left join feedback.participants p on p.experiment = r.experiment and p.participant = r.participant
            left join feedback.response_values v on v.response = r.response and v.version = r.version
            where r.state = 'valid'"""):
        found[experiment, pseudonym, instrument, occasion] = (int(version), None if answers == NULL else answers)
    for cell, (version, contents) in expected.cells.items():
        row = found.pop(cell, None)
        if row is None:
            findings.lost("response row", " ".join(cell))
        elif row[0] != version:
            (findings.lost if row[0] < version else findings.doubled)(
                "version of a response", f"{' '.join(cell)}: {row[0]}, expected {version}")
        elif row[1] is None:
            findings.lost("answers of a response", " ".join(cell))
        elif json.loads(row[1]) not in contents:
            findings.wrong("answers of a response", " ".join(cell))
        else:
            expected.cells[cell] = (version, json.loads(row[1]))
    for cell in found:
        findings.doubled("response row without a message", " ".join(cell))
    for experiment, told, count in database.rows("""
            select e.experiment, e.responses_count, (select count(*) from feedback.responses r
                where r.experiment = e.experiment and r.state = 'valid') as n from feedback.experiments e"""):
        findings.compare("responses_count of feedback.experiments", {experiment: int(count)}, {experiment: int(told)})


LOGGED = """
    select i ->> 'response' as response, i ->> 'version' as version
    from feedback.events e, lateral json_array_elements(e.data::json -> 'items') i
    where e.stream = 'responses' and e.type like 'feedback.responses.recorded.%'
    union all
    select e.data::json -> 'item' ->> 'response', e.data::json -> 'item' ->> 'version'
    from feedback.events e where e.type like 'feedback.response.amended.%'
"""


def _check_log(database: Database, findings: Findings) -> None:
    """Every version of every response is told exactly once."""
    accepted = database.bag(
        "select response, version from feedback.identities where outcome = 'accepted'")
    findings.compare("version of a response in feedback's log", accepted, database.bag(LOGGED))
