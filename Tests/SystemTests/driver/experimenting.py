"""The site and its experiments, from the opening to the last participant, and their end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from feedback_stream import Place

from .http_api import Actor, Answer
from .programme_clock import instant
from .waiting import until
from .wave import Wave


def open_site(wave: Wave) -> None:
    manager = wave.cast.site_manager

    def planned() -> dict[str, Any] | None:
        body = wave.api.get(manager, "experimentation", f"/v1/sites?agreement={wave.agreement}").body
        return next(iter(body["items"]), None)

    wave.site = until("the site is planned", planned)["id"]
    wave.move_to("siteOpened")
    path = f"/v1/sites/{wave.site}"
    version = wave.api.get(manager, "experimentation", path).version
    wave.api.call(manager, "experimentation", "POST", f"{path}/open", {"addressCommune": "59350"}, version=version)
    wave.progress.say("site opened")


def start_experiments(wave: Wave) -> None:
    wave.move_to("registered")
    for experiment in wave.scenario["experiments"]:
        _register(wave, experiment)
    wave.move_to("protocolApproved")
    for experiment in wave.scenario["experiments"]:
        _post(wave, experiment, "protocol", wave.cast.ethics, _protocol(wave, experiment))
    wave.progress.say(f"{len(wave.experiments)} experiments registered, co-funded by rule, protocols approved")
    wave.move_to("started")
    for experiment in wave.scenario["experiments"]:
        _post(wave, experiment, "start")


def enrol_participants(wave: Wave) -> dict[str, Place]:
    """Gives the site's participants their pseudonyms, a few side by side."""
    places: dict[str, Place] = {}
    with ThreadPoolExecutor(max_workers=4) as pool:
        for experiment in wave.scenario["experiments"]:
            started_at = instant(_read(wave, experiment).body["startedAt"])
            pseudonyms = tuple(pool.map(lambda n, e=experiment: _enrol(wave, e, n), range(experiment["participants"])))
            places[experiment["key"]] = Place(wave.experiments[experiment["key"]], started_at, pseudonyms)
    wave.progress.say(f"{sum(len(p.pseudonyms) for p in places.values())} participants enrolled")
    return places


def complete_experiments(wave: Wave) -> None:
    """A day after the last time of measure has closed."""
    last = max(instant(_read(wave, e).body["startedAt"]) for e in wave.scenario["experiments"])
    wave.clock.move_to(last + timedelta(weeks=wave.scenario["feedback"]["weeks"], days=1))
    for experiment in wave.scenario["experiments"]:
        _post(wave, experiment, "complete")
    wave.progress.say("experiments completed")


def _register(wave: Wave, experiment: dict[str, Any]) -> None:
    body = {
        "site": wave.site, "title": experiment["title"],
        "solution": {"name": experiment["solution"], "supplier": experiment["supplier"]},
        "budgetCents": experiment["budgetCents"], "requestedCents": experiment["requestedCents"],
        "participantsTarget": experiment["participants"],
    }
    answer = wave.api.call(wave.cast.site_manager, "experimentation", "POST", "/v1/experiments", body)
    wave.experiments[experiment["key"]] = answer.body["id"]


def _protocol(wave: Wave, experiment: dict[str, Any]) -> dict[str, Any]:
    plan = wave.scenario["protocol"]
    return {
        "protocolVersion": 1, "legalQualification": plan["legalQualification"], "consentScope": plan["consentScope"],
        "windows": [
            {"instrument": instrument, "instrumentVersion": version, "occasion": f"W{week}",
             "opensDay": 7 * (week - 1), "closesDay": 7 * week}
            for instrument, version in plan["instrumentVersions"].items()
            for week in range(1, wave.scenario["feedback"]["weeks"] + 1)
        ],
        "milestones": [wave.scenario["expected"]["milestones"][experiment["key"]]],
    }


def _enrol(wave: Wave, experiment: dict[str, Any], number: int) -> str:
    consent = {"scope": wave.scenario["protocol"]["consentScope"], "version": 1,
               "givenAt": wave.scenario["calendar"]["protocolApproved"]}
    path = f"/v1/experiments/{wave.experiments[experiment['key']]}/participants"
    body = {"externalCode": f"synthetique-{number:04d}", "consent": consent}
    answer = wave.api.call(wave.cast.site_manager, "experimentation", "POST", path, body)
    pseudonym: str = answer.body["pseudonym"]
    return pseudonym


def _read(wave: Wave, experiment: dict[str, Any]) -> Answer:
    path = f"/v1/experiments/{wave.experiments[experiment['key']]}"
    return wave.api.get(wave.cast.site_manager, "experimentation", path)


def _post(wave: Wave, experiment: dict[str, Any], step: str, actor: Actor | None = None,
          body: dict[str, Any] | None = None) -> None:
    """Co-funding is approved by an event: until it comes, the start is refused; when it comes, the version changes."""
    path = f"/v1/experiments/{wave.experiments[experiment['key']]}"

    def attempt() -> bool | None:
        answer = wave.api.exchange(actor or wave.cast.site_manager, "experimentation", "POST", f"{path}/{step}",
                                   body or {}, version=_read(wave, experiment).version)
        if answer.slug in ("cofunding-pending", "version-mismatch"):
            return None
        wave.api.check(answer, f"POST experimentation{path}/{step}")
        return True

    until(f"experiment {experiment['key']} takes {step}", attempt)
