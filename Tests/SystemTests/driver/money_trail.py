"""From each paid euro down to the evidence that allowed it: the ledger's entries, their events, and what released them."""

from __future__ import annotations

from typing import Any

from .figures import Mismatch, events_behind
from .programme_table import euros
from .wave import Wave


def money_trail(wave: Wave) -> tuple[list[str], list[Mismatch]]:
    """Lines for a person, and what does not open to its evidence."""
    figure = f"paid:{wave.agreement}"
    told = events_behind(wave, figure)
    lines, mismatches = [f"{figure} rests on {len(told)} events, one per payment:"], []
    agreement = wave.api.get(wave.cast.ministry, "funding", f"/v1/agreements/{wave.agreement}").body
    paid_cents, paid_events = 0, set()
    for tranche in agreement["tranches"]:
        why = wave.api.get(wave.cast.ministry, "funding", f"/v1/tranches/{tranche['id']}/why").body
        entries = _entries(wave, tranche["id"])
        pays = [e for e in entries if e["reason"] == "pay"]
        release = next((e for e in entries if e["reason"] == "release"), None)
        if release is None or len(pays) != len(tranche["parts"]) or why["missing"]:
            mismatches.append(Mismatch(f"evidence of tranche {tranche['number']}", "paid on evidence", why))
            continue
        for pay in pays:
            paid_cents += pay["amountCents"]
            paid_events.add(pay["event"])
            lines.append(f"  {euros(pay['amountCents'])}  tranche {tranche['number']}, paid by event {pay['event']}, "
                         f"entry {pay['entry']} of the ledger")
        lines.append(f"      released by event {release['event']}, on the evidence of")
        lines += [f"      {proof['condition']:<22} event {proof['event']}"
                  for condition in why["conditions"] for proof in condition["proofs"]]
    expected = sum(t["amountCents"] for t in wave.scenario["expected"]["tranches"])
    if paid_cents != expected:
        mismatches.append(Mismatch("cents that open to their evidence", expected, paid_cents))
    if paid_events != set(told):
        mismatches.append(Mismatch(f"events behind {figure}", sorted(told), sorted(paid_events)))
    return lines, mismatches


def _entries(wave: Wave, tranche: str) -> list[dict[str, Any]]:
    path = f"/v1/ledger/accounts/released/{tranche}/entries"
    items: list[dict[str, Any]] = wave.api.get(wave.cast.ministry, "funding", path).body["items"]
    return items
