"""What one service decides and another acts on: the same on both sides, once."""

from __future__ import annotations

from .database import Database
from .findings import Findings

# What it is, where it was decided, and where it took effect.
PAIRS = {
    "rule set in applications": ("select name from funding.rule_sets", "select rule_set from applications.rule_sets"),
    "rule set in experimentation": ("select name from funding.rule_sets",
                                    "select rule_set from experimentation.rule_sets"),
    "site of a signed agreement": ("select id from funding.agreements where state = 'signed'",
                                   "select agreement from experimentation.sites"),
    "agreement in applications": ("select application, id from funding.agreements where state = 'signed'",
                                  "select application, agreement from applications.agreements"),
    "grant in applications": (
        "select application, state, reserved_cents from funding.grants where kind = 'animation' and state = 'reserved'",
        "select application, state, reserved_cents from applications.grant_standings where state = 'reserved'"),
    "decision in funding": ("select application, outcome from applications.decisions",
                            "select application, outcome from funding.decisions"),
    "call in funding": ("select id from applications.calls", "select call from funding.calls"),
    "co-funding answered": (
        "select id from experimentation.experiments where cofunding_state <> 'not-requested'",
        "select experiment from funding.grants where kind = 'experiments'"),
    "co-funding in experimentation": (
        "select experiment, reserved_cents from funding.grants where kind = 'experiments' and state = 'reserved'",
        "select id, cofunding_cents from experimentation.experiments where cofunding_state = 'approved'"),
    "co-funding refused in experimentation": (
        "select experiment from funding.grants where kind = 'experiments' and state = 'refused'",
        "select id from experimentation.experiments where cofunding_state = 'refused'"),
    "milestone in experimentation": (
        "select experiment, milestone from feedback.milestones where reached_at is not null",
        "select experiment, milestone from experimentation.milestones where is_reached"),
    "evidence of an opened site": (
        "select agreement from experimentation.sites where state = 'open'",
        "select agreement from funding.evidence where condition = 'site-opened'"),
}


def check_neighbours(database: Database, findings: Findings) -> None:
    for what, (decided, done) in PAIRS.items():
        findings.compare(what, database.bag(decided), database.bag(done))
