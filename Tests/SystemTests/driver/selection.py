"""From the published call to the decisions: applications draft, check and submit, others judge."""

from __future__ import annotations

from typing import Any

from .http_api import Answer
from .instance import Failure
from .waiting import until
from .wave import Wave


def open_call(wave: Wave) -> None:
    """Rules first: what an applicant is shown follows from them."""
    scenario, calendar, operator = wave.scenario, wave.scenario["calendar"], wave.cast.operator
    wave.move_to("rulesPublished")
    wave.api.call(operator, "funding", "POST", "/v1/rule-sets",
                  scenario["ruleSet"] | {"validFrom": calendar["rulesValidFrom"]})
    wave.move_to("callPublished")
    dates = {name: calendar[name] for name in ("opensAt", "deadline", "graceUntil")}
    wave.call = wave.api.call(operator, "applications", "POST", "/v1/calls", scenario["call"] | dates).body["id"]
    wave.api.call(operator, "funding", "POST", "/v1/budget", scenario["programme"])
    for kind in ("animation", "experiments"):
        envelope = {"call": wave.call, "kind": kind, "amountCents": scenario["call"][f"{kind}EnvelopeCents"]}
        wave.api.call_when_known(operator, "funding", "POST", "/v1/envelopes", envelope, not_yet={"call-not-known"})
    wave.progress.say("call published, envelopes opened")


def apply(wave: Wave) -> None:
    wave.move_to("opensAt")
    wave.move_to("drafted")
    for application in wave.scenario["applications"]:
        applicant = wave.cast.applicants[application["key"]]
        draft = wave.api.call(applicant, "applications", "POST", "/v1/applications", {"call": wave.call})
        wave.applications[application["key"]] = draft.body["id"]
        content = _content(wave, application)
        _replace(wave, application, draft, content)
    wave.move_to("submitted")
    for application in wave.scenario["applications"]:
        _check(wave, application)
        receipt = _submit(wave, application).body["receipt"]
        wave.progress.say(f"application {application['key']} submitted, receipt {receipt[:16]}…")
    _replace_in_grace(wave)


def _replace_in_grace(wave: Wave) -> None:
    """Until the technical closing the last deposit counts, also after the displayed deadline."""
    wave.move_to("replaced")
    for application in wave.scenario["applications"]:
        if application["replaces"]:
            content = _content(wave, application)
            content["title"] += " (version finale)"
            _replace(wave, application, _read(wave, application), content)
            _submit(wave, application)
            wave.progress.say(f"application {application['key']} replaced before the technical closing")


def judge(wave: Wave) -> None:
    """Eligibility, two reviews, the committee's recommendation and the State's decision."""
    wave.move_to("graceUntil")
    wave.move_to("eligibilityDecided")
    for application in wave.scenario["applications"]:
        path = f"/v1/applications/{wave.applications[application['key']]}/eligibility"
        version = _read(wave, application).version
        verdict = wave.api.call(wave.cast.operator, "applications", "POST", path, {}, version=version).body
        if (verdict["isEligible"], verdict["reasons"]) != (application["isEligible"], application["reasons"]):
            raise Failure(f"eligibility of {application['key']} is {verdict}, expected {application['reasons']}")
    eligible = [a for a in wave.scenario["applications"] if a["isEligible"]]
    wave.progress.say(f"eligibility decided: {len(eligible)} of {len(wave.applications)} are eligible")
    wave.move_to("reviewed")
    for application in eligible:
        for reviewer, score in zip(wave.cast.reviewers, application["reviews"], strict=True):
            review: dict[str, Any] = {
                "conflictDeclared": None, "organisationTies": [], "comment": "Avis synthétique",
                "scores": dict.fromkeys(("impact", "quality", "economics", "network"), score),
            }
            path = f"/v1/applications/{wave.applications[application['key']]}/reviews"
            wave.api.call(reviewer, "applications", "POST", path, review)
    wave.move_to("recommended")
    for application in eligible:
        opinion = {"recommendation": application["outcome"], "rank": application["rank"]}
        _post(wave, application, "recommendation", wave.cast.committee, opinion)
    wave.move_to("decided")
    for application in eligible:
        decision = {"outcome": application["outcome"], "rank": application["rank"]}
        _post(wave, application, "decision", wave.cast.decision_maker, decision)
        wave.progress.say(f"application {application['key']}: {application['outcome']}, rank {application['rank']}")


def reserved_grant(wave: Wave) -> str:
    """The grant that funding reserved for the funded application, once that is known here."""
    def grant() -> str | None:
        standing = _read(wave, wave.funded).body.get("grant") or {}
        return standing.get("grant") if standing.get("state") == "reserved" else None

    return until("the grant is reserved", grant)


# MARK: One application

def _content(wave: Wave, application: dict[str, Any]) -> dict[str, Any]:
    # What is announced here binds nobody; the money of experiments is asked for when they are registered.
    announced = [{"title": e["title"], "budgetCents": e["budgetCents"]} for e in wave.scenario["experiments"]]
    fields = ("title", "lead", "partners", "animationBudgetCents", "requestedCents")
    return {name: application[name] for name in fields} | {
        "call": wave.call, "experiments": announced,
        "contact": {"name": "Personne synthétique", "email": "contact@synthetique.example"},
    }


def _read(wave: Wave, application: dict[str, Any]) -> Answer:
    return wave.api.get(wave.cast.operator, "applications", f"/v1/applications/{wave.applications[application['key']]}")


def _replace(wave: Wave, application: dict[str, Any], known: Answer, content: dict[str, Any]) -> None:
    applicant = wave.cast.applicants[application["key"]]
    path = f"/v1/applications/{wave.applications[application['key']]}"
    wave.api.call(applicant, "applications", "PUT", path, content, version=known.version)


def _check(wave: Wave, application: dict[str, Any]) -> None:
    """The applicant is shown what the rules will give, and what is doubtful, before anything is handed in."""
    applicant = wave.cast.applicants[application["key"]]
    path = f"/v1/applications/{wave.applications[application['key']]}/check"
    shown = wave.api.call(applicant, "applications", "POST", path, {}).body
    errors = [f["slug"] for f in shown["findings"] if f["severity"] == "error"]
    warnings = {f["slug"] for f in shown["findings"] if f["severity"] == "warning"}
    if errors or not warnings >= set(application["reasons"]):
        raise Failure(f"the check of {application['key']} shows errors {errors} and warnings {sorted(warnings)}")


def _submit(wave: Wave, application: dict[str, Any]) -> Answer:
    applicant = wave.cast.applicants[application["key"]]
    path = f"/v1/applications/{wave.applications[application['key']]}"
    version = wave.api.get(applicant, "applications", path).version
    return wave.api.call(applicant, "applications", "POST", f"{path}/submit", {}, version=version)


def _post(wave: Wave, application: dict[str, Any], step: str, actor: Any, body: dict[str, Any]) -> None:
    path = f"/v1/applications/{wave.applications[application['key']]}/{step}"
    wave.api.call(actor, "applications", "POST", path, body, version=_read(wave, application).version)
