"""What has to stand before the load begins: an instance whose services reach their servers through the fronts, a role
that may only read, and the main line up to enrolled participants."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import generate
from driver import contracting, experimenting, selection
from driver.http_api import Actor, Api
from driver.instance import SERVICES, Instance
from driver.programme_clock import ProgrammeClock
from driver.superuser import sql
from driver.wave import Cast, Progress, Wave

from .fronts import Fronts
from .servers import script
from .stage_names import CHECKER_ROLE, CHECKER_SECRET
from .stream import OCCASIONS, Source

EURO = 100
WEEKS = OCCASIONS
PARTICIPANTS_PER_MINUTE = 160
CAREERS_PER_MINUTE = 30
CAREERS_UNSERVED = 5
"""Funded ranks for which the envelope has no money left."""
CAREER_GRANT = 40_000 * EURO
MAIN_GRANT = 1_150_000 * EURO + 1
EXPERIMENT_GRANT = 40_000 * EURO
SCARCE_CENTS_PER_MINUTE = 150_000 * EURO
"""What the experiments that are registered under load compete for."""


class Quiet(Progress):
    """The steps of the main line are not what a run under faults is about."""

    def say(self, text: str) -> None:
        del text

    def count(self, text: str) -> None:
        del text


@dataclass(frozen=True)
class Career:
    """A grant on its way to money."""

    number: int
    grant: str
    amount_cents: int
    manager: Actor


@dataclass(frozen=True)
class Stage:
    wave: Wave
    sources: list[Source]
    careers: list[Career]


def raise_instance(directory: Path, fronts: Fronts) -> Instance:
    """Fresh servers and services, with the fronts between them: their ports go into the services' secrets."""
    lines = [f"POSTGRES_FRONT_PORT={fronts.ports['database']}", f"RABBITMQ_FRONT_PORT={fronts.ports['broker']}"]
    (directory / "env").write_text("\n".join(lines) + "\n", encoding="utf-8")
    script("instance.sh", "up", str(directory))
    instance = Instance(directory)
    _admit_checker(instance)
    return instance


def set_the_stage(instance: Instance, minutes: float) -> Stage:
    scenario = _scenario(minutes)
    api = Api(instance)
    wave = Wave(scenario, instance, api, ProgrammeClock(instance.clock_path), Quiet(), Cast(api, scenario))
    selection.open_call(wave)
    selection.apply(wave)
    selection.judge(wave)
    contracting.sign_agreement(wave)
    experimenting.open_site(wave)
    experimenting.start_experiments(wave)
    places = experimenting.enrol_participants(wave)
    # All windows have closed, so that every answer lies in the past; the experiments go on.
    wave.clock.move_to(max(p.started_at for p in places.values()) + timedelta(weeks=WEEKS, days=1))
    publishers = [p["publisher"] for p in scenario["feedback"]["publishers"]]
    sources = [Source(publishers[index % len(publishers)], place) for index, place in enumerate(places.values())]
    return Stage(wave, sources, _careers(wave))


# MARK: The role that may only read

def _admit_checker(instance: Instance) -> None:
    password = secrets.token_hex(24)
    path = instance.secret_path(CHECKER_SECRET)
    path.write_text(password + "\n", encoding="ascii")
    grants = "\n".join(
        f"grant usage on schema {service} to {CHECKER_ROLE};\n"
        f"grant select on all tables in schema {service} to {CHECKER_ROLE};" for service in SERVICES)
    sql(instance, f"""
        create role {CHECKER_ROLE} with login nosuperuser nocreatedb nocreaterole password '{password}';
        alter role {CHECKER_ROLE} set default_transaction_read_only = on;
        grant connect on database maillage to {CHECKER_ROLE};
        {grants}
    """)


# MARK: The plan

def _scenario(minutes: float) -> dict[str, Any]:
    """The demo's scenario with many small careers beside the main one, and longer protocols."""
    careers = max(10, round(CAREERS_PER_MINUTE * minutes))
    participants = max(120, round(PARTICIPANTS_PER_MINUTE * minutes))
    applications = _applications(careers)
    experiments = _experiments(participants)
    served = MAIN_GRANT + sum(a["requestedCents"] for a in applications[1:-CAREERS_UNSERVED])
    call = {"wave": 1, "title": "Vague sous contrainte", "placesTarget": 10, "animationEnvelopeCents": served,
            "experimentsEnvelopeCents": EXPERIMENT_GRANT * len(experiments)
            + round(SCARCE_CENTS_PER_MINUTE * max(1.0, minutes))}
    rules = {"ruleSet": "aap-tle-2022", "animationRateBasisPoints": 5_000,
             "animationCeilingCents": {k: v * EURO for k, v in generate.ANIMATION_CEILINGS.items()},
             "experimentRateBasisPoints": 5_000, "experimentCeilingCents": 300_000 * EURO, "source": "synthetic"}
    shares = [MAIN_GRANT * share // 100 for share in (30, 50)]
    tranches = [*shares, MAIN_GRANT - sum(shares)]
    return {
        "calendar": generate.CALENDAR, "call": call, "ruleSet": rules, "applications": applications,
        # Room for the envelopes of every call that the load opens besides.
        "programme": {"name": "Programme sous contrainte", "amountCents": 10**12, "animationCents": 5 * 10**11,
                      "experimentsCents": 5 * 10**11},
        "experiments": experiments,
        "protocol": {"legalQualification": "non_RIPH_satisfaction", "consentScope": "experience-questionnaires",
                     "instrumentVersions": {"SUS": "F-SUS-2021", "NPS": "1"}},
        "feedback": {"weeks": WEEKS, "publishers": [{"publisher": "telesuivi"}, {"publisher": "enquetes"}]},
        "expected": {
            "tranches": [{"number": n, "amountCents": cents} for n, cents in enumerate(tranches, start=1)],
            "milestones": {e["key"]: {"milestone": "mi-parcours", "responsesCountMin": 1_000} for e in experiments},
        },
    }


def _applications(careers: int) -> list[dict[str, Any]]:
    main = generate.applications()[0] | {"replaces": False}
    applications = [main]
    for number in range(1, careers + 1):
        lead = generate.member(1_000 + number, "etablissement_sante_public", "sanitaire", f"Hôpital {number}")
        applications.append(main | {
            "key": f"career-{number}", "title": f"Tiers-lieu {number}", "lead": lead, "partners": main["partners"][:1],
            "animationBudgetCents": 3 * CAREER_GRANT, "requestedCents": CAREER_GRANT + number, "rank": number + 1})
    return applications


def _experiments(participants: int) -> list[dict[str, Any]]:
    return [{"key": f"experiment-{n}", "title": f"Expérimentation {n}", "solution": f"Solution {n}",
             "supplier": f"Éditeur {n} (synthétique)", "budgetCents": 2 * EXPERIMENT_GRANT,
             "requestedCents": EXPERIMENT_GRANT, "participants": participants // 4} for n in range(1, 5)]


def _careers(wave: Wave) -> list[Career]:
    """The grants that were reserved, but for the main line's."""
    leads = {wave.applications[a["key"]]: a["lead"]["siren"] for a in wave.scenario["applications"]}
    careers: list[Career] = []
    cursor = ""
    while True:
        path = f"/v1/grants?call={wave.call}&limit=200{cursor}"
        page = wave.api.get(wave.cast.operator, "funding", path).body
        for grant in page["items"]:
            if grant["state"] == "reserved" and grant["kind"] == "animation" and \
                    grant["application"] != wave.applications[wave.funded["key"]]:
                siren = leads[grant["application"]]
                manager = wave.api.actor(f"manager-{siren}", "site-manager", organisation=siren)
                careers.append(Career(len(careers), grant["id"], grant["reservedCents"], manager))
        if not page.get("next"):
            return careers
        cursor = f"&after={page['next']}"
