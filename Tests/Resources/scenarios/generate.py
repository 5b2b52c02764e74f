#!/usr/bin/env python3
"""Writes a scenario of the programme: facts, actors, money, and the figures that have to come out.

    generate.py                        rewrites wave-1.json beside this file
    generate.py --check                fails if wave-1.json is not what would be written
    generate.py --events N             a smaller or larger one, to standard output

The figures are computed here, from the published rules and by exact fractions, with no line in common with the
services. People, houses and answers are synthetic and marked so; programme facts carry their sources.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from expected import expected_figures
from feedback_stream import FeedbackStream

HERE = Path(__file__).parent
EURO = 100

SOURCES = {
    "jorf": "arrêté du 17 février 2022, NOR PRMI2204762A",
    "deposit": "cdcinvestissementsdavenir.achatpublic.com, référence « Tiers Lieux », PCSLID=CSL_2022_tKxStaF7Ah",
    "envelope": "lafrenchtechbfc.fr/opportunite/appel-a-projets-tiers-lieux-dexperimentation",
    "split": "esante-occitanie.fr/actualites/lappel-a-projet-tiers-lieux-dexperimentation",
    "ceilings": "essor-centrevaldeloire.org, page 925",
    "winners": "chu-dijon.fr/structure-daccompagnement-linnovation-tle-realistic",
    "announced": "hospitalia.fr, 2 février 2023",
    "press-2022": "Localtis, février 2022 : « 30 lieux seront sélectionnés »",
    "press-2024": "Le Monde Selon Vous : « 35 tiers lieux d'expérimentation d'ici 2025 »",
    "synthetic": "made up for this scenario",
}

# Public facts; where public texts disagree, both stand here.
FACTS = [
    ("programme-envelope", 63_000_000, "EUR", "envelope"),
    ("envelope-animation", 29_000_000, "EUR", "split"),
    ("envelope-experiments", 30_000_000, "EUR", "split"),
    ("envelope-not-explained", 4_000_000, "EUR", "split"),
    ("places-target-2022", 30, "places", "press-2022"),
    ("places-target-2024", 35, "places", "press-2024"),
    ("places-selected-in-the-end", 37, "places", "winners"),
    ("places-selected-in-wave-1", 10, "places", "winners"),
    ("animation-rate-max", 50, "percent", "ceilings"),
    ("animation-ceiling-min", 375_000, "EUR", "ceilings"),
    ("animation-ceiling-max", 1_500_000, "EUR", "ceilings"),
    ("experiment-rate-max", 50, "percent", "ceilings"),
    ("experiment-ceiling", 300_000, "EUR", "ceilings"),
]

# In UTC: the room opened on 24 February 2022 at 15:09 Paris time; the displayed deadline was noon of 25 May, and the
# room closed at midnight. The steps after the announcement are synthetic.
CALENDAR = {
    "rulesPublished": "2022-02-22T08:00:00Z",
    "rulesValidFrom": "2022-02-24T00:00:00Z",
    "callPublished": "2022-02-23T08:00:00Z",
    "opensAt": "2022-02-24T14:09:00Z",
    "drafted": "2022-04-11T08:00:00Z",
    "submitted": "2022-05-24T15:00:00Z",
    "deadline": "2022-05-25T10:00:00Z",
    "replaced": "2022-05-25T20:00:00Z",
    "graceUntil": "2022-05-25T22:00:00Z",
    "eligibilityDecided": "2022-06-08T08:00:00Z",
    "reviewed": "2022-07-05T08:00:00Z",
    "recommended": "2022-10-14T08:00:00Z",
    "decided": "2023-02-02T08:00:00Z",
    "agreementSigned": "2023-03-10T08:00:00Z",
    "siteOpened": "2023-03-20T08:00:00Z",
    "registered": "2023-03-21T08:00:00Z",
    "protocolApproved": "2023-03-27T08:00:00Z",
    "advancePaid": "2023-03-24T08:00:00Z",
    "started": "2023-04-03T06:00:00Z",
}

# The table per typology was never published; these values are synthetic within the published bounds.
ANIMATION_CEILINGS = {
    "etablissement_sante_public": 1_500_000, "etablissement_sante_prive": 1_200_000, "esms": 750_000,
    "structure_ville": 375_000, "acteur_innovation": 750_000,
}

# What is wrong on purpose among 20,000 messages, and what the publisher must be told.
DEVIATIONS = [
    ("duplicate", 60, "duplicate", None), ("correction", 50, "accepted", None),
    ("identity-conflict", 5, "refused", "identity-conflict"), ("already-answered", 8, "refused", "already-answered"),
    ("not-json", 5, "refused", "malformed-body"), ("other-specversion", 3, "refused", "invalid-field"),
    ("unknown-type", 4, "refused", "unsupported-type"), ("sus-level-six", 8, "refused", "level-out-of-range"),
    ("sus-nine-items", 5, "refused", "answers-count"), ("sus-all-missing", 5, "refused", "nothing-answered"),
    ("nps-eleven", 8, "refused", "level-out-of-range"), ("nps-fraction", 5, "refused", "invalid-field"),
    ("unknown-instrument", 5, "refused", "unknown-instrument"), ("unknown-occasion", 5, "refused", "not-in-protocol"),
    ("before-window", 6, "refused", "outside-window"), ("in-the-future", 5, "refused", "time-in-future"),
    ("comment-too-long", 3, "refused", "comment-too-long"), ("oversized", 2, "refused", "too-large"),
    # These may only be early: they are kept a day for what they refer to, by the real clock.
    ("unknown-participant", 4, "waiting", None), ("unknown-experiment", 2, "waiting", None),
    ("amends-nothing", 2, "waiting", None),
]
FULL_EVENTS = 20_000
FULL_PARTICIPANTS = 400
WEEKS = 26


def siren(number: int) -> str:
    """A number of the right form (Luhn) in a range that INSEE does not give out."""
    digits = [int(d) for d in f"{99_000_000 + number:08d}"]
    weighted = [d if i % 2 == 0 else sum(divmod(2 * d, 10)) for i, d in enumerate(digits)]
    return "".join(map(str, digits)) + str(-sum(weighted) % 10)


def member(number: int, structure_type: str, sector: str | None, name: str) -> dict[str, Any]:
    fields = {"siren": siren(number), "structureType": structure_type, "name": f"{name} (synthétique)"}
    return fields if sector is None else fields | {"sector": sector}


def applications() -> list[dict[str, Any]]:
    """One funded, one on the reserve list, one that misses the hard criterion of a health structure."""
    hospital = member(1, "etablissement_sante_public", "sanitaire", "Centre hospitalier de la Rive Claire")
    home = member(2, "esms", "medico_social", "Résidence des Tilleuls")
    practice = member(3, "structure_ville", "ville", "Maison de santé du Pont")
    incubator = member(4, "acteur_innovation", None, "Fabrique numérique du Littoral")
    vendor = member(5, "entreprise_fournisseur", None, "Capteurs et Compagnie")
    return [
        {"key": "rive-claire", "title": "Tiers-lieu Rive Claire", "lead": hospital, "partners": [home, practice],
         "animationBudgetCents": 2_460_000 * EURO, "requestedCents": 1_150_000 * EURO + 1,
         "reviews": [88, 84], "outcome": "funded", "rank": 1, "replaces": True, "isEligible": True, "reasons": []},
        {"key": "tilleuls", "title": "Tiers-lieu des Tilleuls", "lead": home, "partners": [practice],
         "animationBudgetCents": 1_600_000 * EURO, "requestedCents": 700_000 * EURO,
         "reviews": [71, 66], "outcome": "reserve", "rank": 2, "replaces": False, "isEligible": True, "reasons": []},
        {"key": "littoral", "title": "Tiers-lieu du Littoral", "lead": incubator, "partners": [vendor],
         "animationBudgetCents": 900_000 * EURO, "requestedCents": 400_000 * EURO,
         "reviews": [], "outcome": None, "rank": None, "replaces": False, "isEligible": False,
         "reasons": ["no-health-structure"]},
    ]


def experiments(participants: int) -> list[dict[str, Any]]:
    """Two of the funded site: one meets the ceiling, one the rate, which ends in half a cent and is rounded down."""
    first = participants * 5 // 8
    return [
        {"key": "post-operatoire", "title": "Télésuivi post-opératoire", "solution": "Suivi à domicile",
         "supplier": "Éditeur A (synthétique)", "budgetCents": 700_000 * EURO, "requestedCents": 320_000 * EURO,
         "participants": first},
        {"key": "chutes", "title": "Détection de chutes en résidence", "solution": "Capteurs de chambre",
         "supplier": "Éditeur B (synthétique)", "budgetCents": 410_000 * EURO + 1, "requestedCents": 250_000 * EURO,
         "participants": participants - first},
    ]


def feedback(events: int) -> dict[str, Any]:
    deviations: list[dict[str, Any]] = [
        {"kind": kind, "count": max(1, count * events // FULL_EVENTS), "outcome": outcome, "reason": reason}
        for kind, count, outcome, reason in DEVIATIONS
    ]
    return {
        "synthetic": True,
        "seed": "maillage wave 1",
        "weeks": WEEKS,
        "instruments": ["SUS", "NPS"],
        "eventsCount": events,
        "responsesCount": events - sum(d["count"] for d in deviations),
        "publishers": [
            {"publisher": name, "source": f"https://{name}.example/synthetic", "experiment": experiment}
            for name, experiment in (("telesuivi", "post-operatoire"), ("enquetes", "chutes"))
        ],
        "deviations": deviations,
    }


def scenario(events: int) -> dict[str, Any]:
    participants = max(24, FULL_PARTICIPANTS * events // FULL_EVENTS)
    result: dict[str, Any] = {
        "scenario": "wave-1",
        "about": "Wave 1 of the programme: public facts with their sources; all actors, amounts below the programme's "
                 "and answers are synthetic.",
        "sources": SOURCES,
        "facts": [{"fact": f, "value": v, "unit": u, "source": s} for f, v, u, s in FACTS],
        "calendar": CALENDAR,
        "call": {"wave": 1, "title": "Tiers-lieux d'expérimentation, vague 1", "placesTarget": 10,
                 "animationEnvelopeCents": 29_000_000 * EURO, "experimentsEnvelopeCents": 30_000_000 * EURO},
        "programme": {"name": "Tiers-lieux d'expérimentation", "amountCents": 63_000_000 * EURO,
                      "animationCents": 29_000_000 * EURO, "experimentsCents": 30_000_000 * EURO},
        "ruleSet": {"ruleSet": "aap-tle-2022", "animationRateBasisPoints": 5_000,
                    "animationCeilingCents": {k: v * EURO for k, v in ANIMATION_CEILINGS.items()},
                    "experimentRateBasisPoints": 5_000, "experimentCeilingCents": 300_000 * EURO,
                    "source": SOURCES["ceilings"]},
        "tranches": [
            {"number": 1, "share": 30, "conditions": ["agreement-signed", "site-opened"]},
            {"number": 2, "share": 50, "conditions": ["milestone-reached"]},
            {"number": 3, "share": 20, "conditions": ["experiment-completed"]},
        ],
        "applications": applications(),
        "experiments": experiments(participants),
        "protocol": {"legalQualification": "non_RIPH_satisfaction", "consentScope": "experience-questionnaires",
                     "instrumentVersions": {"SUS": "F-SUS-2021", "NPS": "1"},
                     "milestone": {"milestone": "mi-parcours", "shareOfResponses": 40}},
        "feedback": feedback(events),
    }
    result["expected"] = expected_figures(result, FeedbackStream(result))
    return result


def text(events: int) -> str:
    return json.dumps(scenario(events), ensure_ascii=False, indent=1) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with wave-1.json instead of writing it")
    parser.add_argument("--events", type=int, metavar="N", help="write a scenario of N messages to standard output")
    arguments = parser.parse_args()
    target = HERE / "wave-1.json"
    if arguments.events is not None:
        if not 1_500 <= arguments.events <= 1_000_000:
            parser.error("--events must be between 1500 and 1000000")
        sys.stdout.write(text(arguments.events))
    elif arguments.check:
        if target.read_text(encoding="utf-8") != text(FULL_EVENTS):
            print(f"{target.name} is not what generate.py writes: run it without --check", file=sys.stderr)
            return 1
    else:
        target.write_text(text(FULL_EVENTS), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
