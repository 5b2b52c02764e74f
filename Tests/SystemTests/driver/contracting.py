"""Agreement, tranches and payments: money moves only on evidence and by two people."""

from __future__ import annotations

from typing import Any

from .instance import Failure
from .selection import reserved_grant
from .waiting import until
from .wave import Wave

# A published example of a valid IBAN that belongs to nobody.
SYNTHETIC_IBAN = "FR1420041010050500013M02606"


def sign_agreement(wave: Wave) -> None:
    operator = wave.cast.operator
    grant = reserved_grant(wave)
    wave.move_to("agreementSigned")
    draft = wave.api.call(operator, "funding", "POST", "/v1/agreements", {"grant": grant})
    wave.agreement = draft.body["id"]
    signatures = {
        "signedOn": wave.scenario["calendar"]["agreementSigned"][:10],
        "signatories": [
            {"side": "funder", "name": "Personne synthétique A", "role": "directrice"},
            {"side": "beneficiary", "name": "Personne synthétique B", "role": "directeur"},
        ],
    }
    path = f"/v1/agreements/{wave.agreement}/sign"
    wave.api.call(operator, "funding", "POST", path, signatures, version=draft.version)
    tranches = {t["number"]: t["amountCents"] for t in _tranches(wave)}
    expected = {t["number"]: t["amountCents"] for t in wave.scenario["expected"]["tranches"]}
    if tranches != expected:
        raise Failure(f"the tranches of the agreement are {tranches}, expected {expected}")
    wave.progress.say(f"agreement signed, {len(tranches)} tranches")


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
    creditor = {"creditorName": wave.funded["lead"]["name"], "iban": SYNTHETIC_IBAN}
    ordered = wave.api.call(wave.cast.operator, "funding", "POST", f"/v1/tranches/{tranche['id']}/payments", creditor)
    path = f"/v1/payments/{ordered.body['id']}"
    approved = wave.api.call(wave.cast.paying_officer, "funding", "POST", f"{path}/approve", {},
                             version=ordered.version)
    wave.api.call(wave.cast.paying_officer, "funding", "POST", f"{path}/execute",
                  {"bankReference": f"SYN-{wave.agreement[:8]}-{number}"}, version=approved.version)
    wave.paid.append(number)
    wave.progress.say(f"tranche {number} released by evidence, paid by two people")


def _tranches(wave: Wave) -> list[dict[str, Any]]:
    tranches: list[dict[str, Any]] = wave.api.get(
        wave.cast.operator, "funding", f"/v1/agreements/{wave.agreement}").body["tranches"]
    return tranches


def _released(wave: Wave, number: int) -> dict[str, Any] | None:
    return next((t for t in _tranches(wave) if t["number"] == number and t["state"] == "released"), None)
