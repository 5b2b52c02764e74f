"""Agreement, tranches, payments, statements and settlement: money moves only on evidence and by two people."""

from __future__ import annotations

from typing import Any

from .instance import Failure
from .selection import reserved_grant
from .waiting import until
from .wave import Wave

# A published example of a valid IBAN that belongs to nobody.
SYNTHETIC_IBAN = "FR1420041010050500013M02606"

SCHEDULE = [
    {"shareBasisPoints": 3000, "conditions": ["agreement-signed", "site-opened"]},
    {"shareBasisPoints": 5000, "conditions": ["milestone-reached"]},
    {"shareBasisPoints": 2000, "conditions": ["experiment-completed"]},
]

# What the amendment moves from one partner to the other.
MOVED_CENTS = 1_000_000


def sign_agreement(wave: Wave) -> None:
    operator = wave.cast.operator
    grant = reserved_grant(wave)
    wave.move_to("agreementSigned")
    plan = {"grant": grant, "lines": _lines(_parts(wave)), "schedule": SCHEDULE, "terms": _terms(wave)}
    draft = wave.api.call(operator, "funding", "POST", "/v1/agreements", plan)
    wave.agreement = draft.body["id"]
    signatures = _signatures(wave, "agreementSigned")
    path = f"/v1/agreements/{wave.agreement}/sign"
    wave.api.call(operator, "funding", "POST", path, signatures, version=draft.version)
    tranches = {t["number"]: t["amountCents"] for t in _tranches(wave)}
    expected = {t["number"]: t["amountCents"] for t in wave.scenario["expected"]["tranches"]}
    if tranches != expected:
        raise Failure(f"the tranches of the agreement are {tranches}, expected {expected}")
    wave.progress.say(f"agreement signed, {len(tranches)} tranches for {len(plan['lines'])} beneficiaries")


def amend_agreement(wave: Wave) -> None:
    """One partner's part grows by what another's shrinks; both sides see the difference before they sign."""
    operator = wave.cast.operator
    parts = _parts(wave)
    if len(parts) < 3:
        return
    first, second = list(parts)[1:3]
    parts[first], parts[second] = parts[first] - MOVED_CENTS, parts[second] + MOVED_CENTS
    draft = wave.api.call(operator, "funding", "POST", f"/v1/agreements/{wave.agreement}/amendments",
                          {"reason": "Le second partenaire reprend une action", "lines": _lines(parts)})
    difference = draft.body["difference"]
    changed = {line["siren"] for line in difference["lines"]}
    if changed != {first, second} or difference["givenBackCents"] != 0:
        raise Failure(f"the amendment changes {sorted(changed)}, expected {sorted((first, second))}")
    wave.api.call(operator, "funding", "POST", f"/v1/amendments/{draft.body['id']}/sign",
                  _signatures(wave, "advancePaid"), version=draft.version)
    wave.progress.say(f"amendment signed: {MOVED_CENTS} cents from one partner to the other,"
                      f" {len(difference['tranches'])} tranches divided anew")


def settle_agreement(wave: Wave) -> None:
    """Every beneficiary states what it spent, somebody else judges it, and the agreement ends on that."""
    api, operator = wave.api, wave.cast.operator
    path = f"/v1/agreements/{wave.agreement}"
    granted = {line["siren"]: line["grantedCents"] for line in api.get(operator, "funding", path).body["lines"]}
    statements = api.get(operator, "funding", f"{path}/expense-statements?limit=200").body["items"]
    count = {siren: sum(s["siren"] == siren for s in statements) for siren in granted}
    for statement in statements:
        # Twice the grant in all: at a rate of 50 % nothing is left over and nothing is too much.
        siren, is_last = statement["siren"], statement["number"] == count[statement["siren"]]
        share = granted[siren] * 2 // count[siren]
        cents = granted[siren] * 2 - share * (count[siren] - 1) if is_last else share
        beneficiary = api.actor(f"applicant-{siren}", "applicant", organisation=siren)
        base = f"/v1/expense-statements/{statement['id']}"
        submitted = api.call(beneficiary, "funding", "POST", f"{base}/submit",
                             {"items": [{"category": "staff", "declaredCents": cents}]}, version=statement["version"])
        api.call(operator, "funding", "POST", f"{base}/accept", {}, version=submitted.version)
    agreement = api.get(operator, "funding", path)
    settled = api.call(operator, "funding", "POST", f"{path}/settlement", {"reason": "Fin du projet"},
                       version=agreement.version)
    if settled.body["state"] != "settled":
        raise Failure(f"the agreement is {settled.body['state']} after its settlement")
    wave.progress.say(f"{len(statements)} expense statements accepted, agreement settled: nothing due, nothing back")


def pay_tranche(wave: Wave, number: int) -> None:
    """Waits for the release, then orders, approves and executes."""
    def released() -> dict[str, Any] | None:
        return _released(wave, number)

    _pay(wave, until(f"tranche {number} is released", released))


def pay_tranche_if_released(wave: Wave, number: int) -> None:
    if number not in wave.paid:
        tranche = _released(wave, number)
        if tranche is not None:
            _pay(wave, tranche)


def _pay(wave: Wave, tranche: dict[str, Any]) -> None:
    number = tranche["number"]
    for part in tranche["parts"]:
        siren = part["siren"]
        creditor = {"creditorName": _members(wave)[siren], "iban": SYNTHETIC_IBAN, "siren": siren}
        ordered = wave.api.call(wave.cast.operator, "funding", "POST", f"/v1/tranches/{tranche['id']}/payments",
                                creditor)
        path = f"/v1/payments/{ordered.body['id']}"
        approved = wave.api.call(wave.cast.paying_officer, "funding", "POST", f"{path}/approve", {},
                                 version=ordered.version)
        wave.api.call(wave.cast.paying_officer, "funding", "POST", f"{path}/execute",
                      {"bankReference": f"SYN-{wave.agreement[:8]}-{number}-{siren}"}, version=approved.version)
    wave.paid.append(number)
    wave.progress.say(f"tranche {number} released by evidence, paid to {len(tranche['parts'])} beneficiaries"
                      " by two people")


def _members(wave: Wave) -> dict[str, str]:
    """SIREN to name, the lead first."""
    members = [wave.funded["lead"], *wave.funded["partners"]]
    return {member["siren"]: member["name"] for member in members}


def _parts(wave: Wave) -> dict[str, int]:
    """What each is to get: a tenth for each partner, the rest for the lead."""
    granted = sum(t["amountCents"] for t in wave.scenario["expected"]["tranches"])
    sirens = list(_members(wave))
    parts = {siren: granted // 10 for siren in sirens[1:]}
    return {sirens[0]: granted - sum(parts.values())} | parts


def _lines(parts: dict[str, int]) -> list[dict[str, Any]]:
    return [{"siren": siren, "budgetCents": cents * 2, "grantedCents": cents} for siren, cents in parts.items()]


def _terms(wave: Wave) -> dict[str, Any]:
    """Two years with a statement for each, at half of the cost."""
    begin = wave.scenario["calendar"]["agreementSigned"][:10]
    year = int(begin[:4])
    return {"from": begin, "until": f"{year + 1}{begin[4:]}", "rateBasisPoints": 5000, "statementMonths": 12,
            "statementDueDays": 60}


def _signatures(wave: Wave, step: str) -> dict[str, Any]:
    return {
        "signedOn": wave.scenario["calendar"][step][:10],
        "signatories": [
            {"side": "funder", "name": "Personne synthétique A", "role": "directrice"},
            {"side": "beneficiary", "name": "Personne synthétique B", "role": "directeur"},
        ],
    }


def _tranches(wave: Wave) -> list[dict[str, Any]]:
    tranches: list[dict[str, Any]] = wave.api.get(
        wave.cast.operator, "funding", f"/v1/agreements/{wave.agreement}").body["tranches"]
    return tranches


def _released(wave: Wave, number: int) -> dict[str, Any] | None:
    return next((t for t in _tranches(wave) if t["number"] == number and t["state"] == "released"), None)
