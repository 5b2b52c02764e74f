"""Every answer to a money command against payments, ledger and log; and the ledger against itself."""

from __future__ import annotations

from collections import Counter
from typing import Any

from .database import Database
from .findings import Findings

Entry = dict[str, Any]

# What a success has to leave: the rows with their ids, and the event of each, by kind of command.
EFFECTS = {
    "draft": ("select id from funding.agreements", None),
    "sign": ("select id from funding.agreements where state = 'signed'", "funding.agreement.signed.%"),
    "order": ("select id from funding.payments", "funding.payment.ordered.%"),
    "approve": ("select id from funding.payments where state in ('approved', 'executed')", None),
    "execute": ("select id from funding.payments where state = 'executed'", "funding.payment.executed.%"),
    "rule-set": ("select name from funding.rule_sets", "funding.rule-set.published.%"),
    "envelope": ("select id from funding.envelopes", "funding.envelope.opened.%"),
    "experiment": ("select id from experimentation.experiments", "experimentation.experiment.registered.%"),
}


def check_commands(database: Database, entries: list[Entry], before: dict[str, list[str]], findings: Findings) -> None:
    """Each success has its row and its event once; each row and event has the one command that made it."""
    for entry in entries:
        if entry["status"] is None:
            findings.wrong("command never answered", f"{entry['kind']} {entry['key']}")
        if entry["replay"] is False:
            findings.wrong("another answer under the same key", f"{entry['kind']} {entry['key']}")
    for kind, (rows, event) in EFFECTS.items():
        made = Counter((e["answer"]["id"],) for e in entries
                       if e["kind"] == kind and e["status"] is not None and 200 <= e["status"] < 300)
        made.update((id_,) for id_ in before.get(kind, ()))
        findings.compare(f"row of {kind}", made, database.bag(rows))
        if event is not None:
            owner = event.partition(".")[0]
            told = database.bag(f"select subject from {owner}.events where type like '{event}'")
            findings.compare(f"event of {kind}", made, told)
    _check_winners(entries, findings)
    _check_bank_references(database, entries, findings)


def _check_winners(entries: list[Entry], findings: Findings) -> None:
    """Of those who raced for one thing exactly one may have won."""
    things = {"draft": "grant", "sign": "agreement", "order": "tranche", "approve": "payment", "execute": "payment",
              "rule-set": "ruleSet"}
    wins: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        if entry["kind"] in things and entry["status"] in (200, 201):
            wins[entry["kind"], entry["about"][things[entry["kind"]]]] += 1
    for (kind, thing), count in wins.items():
        if count > 1:
            findings.doubled(f"{kind} was granted {count} times", thing, count - 1)


def _check_bank_references(database: Database, entries: list[Entry], findings: Findings) -> None:
    told = Counter((e["answer"]["id"], e["answer"]["bankReference"]) for e in entries
                   if e["kind"] == "execute" and e["status"] == 200)
    findings.compare("bank reference of a payment", told, database.bag(
        "select id, bank_reference from funding.payments where state = 'executed'"))


def known_before(database: Database) -> dict[str, list[str]]:
    """What stands before the load begins."""
    return {kind: [id_ for (id_,) in database.rows(rows)] for kind, (rows, _) in EFFECTS.items()}


# MARK: The ledger

# The sums of every account, from nothing but the transfers.
SUMS = """
    with sums as (
        select account, sum(debit)::bigint as debit, sum(credit)::bigint as credit from (
            select debit_account as account, amount_cents as debit, 0 as credit from funding.transfers
            union all select credit_account, 0, amount_cents from funding.transfers) t group by account)
    select a.id, a.kind, a.debited_cents, a.credited_cents, coalesce(s.debit, 0), coalesce(s.credit, 0)
    from funding.accounts a left join sums s on s.account = a.id
"""
STEPS = ("reserve", "commit", "release", "pay")


def check_ledger(database: Database, findings: Findings) -> None:
    debit = credit = 0
    for account, kind, debited, credited, debit_sum, credit_sum in database.rows(SUMS):
        if (debited, credited) != (debit_sum, credit_sum):
            findings.ledger("account differs from its transfers",
                            f"{account} {kind}: {debited}/{credited}, transfers {debit_sum}/{credit_sum}")
        if kind != "budget" and int(credit_sum) < int(debit_sum):
            findings.ledger("account below zero", f"{account} {kind}: {int(credit_sum) - int(debit_sum)}")
        debit += int(debited)
        credit += int(credited)
    if debit != credit:
        findings.ledger("debits and credits differ", f"{debit} {credit}")
    _check_chain(database, findings)
    _check_payments(database, findings)
    _check_scarcity(database, findings)


def _check_chain(database: Database, findings: Findings) -> None:
    """paid ≤ released ≤ committed ≤ reserved for each grant, and reserved ≤ envelope, from the transfers alone."""
    by_grant: dict[str, Counter[str]] = {}
    for owner, reason, cents in database.rows("""
            select c.grant_id, t.reason, sum(t.amount_cents)::bigint from funding.transfers t
            join funding.accounts c on c.id = t.credit_account
            where t.reason in ('reserve', 'commit', 'release', 'pay') group by 1, 2"""):
        by_grant.setdefault(owner, Counter())[reason] = int(cents)
    for grant, sums in by_grant.items():
        for less, more in zip(STEPS[1:], STEPS[:-1], strict=True):
            if sums[less] > sums[more]:
                findings.ledger(f"{less} is above {more}", f"{grant}: {sums[less]} > {sums[more]}")
    for envelope, amount, reserved in database.rows("""
            select e.id, e.amount_cents, coalesce(sum(g.reserved_cents) filter (where g.state = 'reserved'), 0)::bigint
            from funding.envelopes e left join funding.grants g on g.envelope = e.id group by e.id"""):
        if int(reserved) > int(amount):
            findings.ledger("envelope oversold", f"{envelope}: {reserved} of {amount}")
    reserved = Counter({(grant, str(s["reserve"])): 1 for grant, s in by_grant.items() if s["reserve"]})
    findings.compare("reservation in the ledger", database.bag(
        "select id, reserved_cents from funding.grants where state = 'reserved'"), reserved)


def _check_payments(database: Database, findings: Findings) -> None:
    """Each executed payment left the ledger once, whole; each released tranche was released once."""
    findings.compare(
        "payment in the ledger",
        database.bag("select id, amount_cents from funding.payments where state = 'executed'"),
        database.bag("select replace(command_id, 'pay:', ''), amount_cents from funding.transfers "
                     "where reason = 'pay'"))
    findings.compare(
        "release in the ledger",
        database.bag("select g.id, sum(t.amount_cents)::bigint from funding.tranches t "
                     "join funding.agreements a on a.id = t.agreement join funding.grants g on g.id = a.grant_id "
                     "where t.state in ('released', 'paid') group by g.id"),
        database.bag("select c.grant_id, sum(t.amount_cents)::bigint from funding.transfers t "
                     "join funding.accounts c on c.id = t.credit_account where t.reason = 'release' group by 1"))
    for tranche, count in database.rows(
            "select tranche, count(*) from funding.payments group by tranche having count(*) > 1"):
        findings.doubled("tranche with several payments", tranche, int(count) - 1)


def _check_scarcity(database: Database, findings: Findings) -> None:
    """Refused for lack of money only what did not fit: what is left in the end is less than any of it."""
    for grant, asked, left in database.rows("""
            select g.id, g.requested_cents, e.credited_cents - e.debited_cents from funding.grants g
            join funding.envelopes v on v.call = g.call and v.kind = g.kind
            join funding.accounts e on e.owner = v.id and e.kind = 'available'
            where g.state = 'refused' and g.requested_cents <= e.credited_cents - e.debited_cents"""):
        findings.wrong("refused although there was money", f"{grant}: {asked} of {left}")
