"""What the driver knows while it leads a wave through the programme: the plan, the people, and the ids so far."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import Any

from .http_api import Actor, Api
from .instance import Instance
from .programme_clock import ProgrammeClock, instant

Scenario = dict[str, Any]


class Progress:
    """Lines for whoever watches, with the seconds since the start."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._has_counter = False

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def say(self, text: str) -> None:
        self._end_counter()
        print(f"{self.seconds:7.1f} s  {text}", flush=True)

    def count(self, text: str) -> None:
        """A line that is written over, on a terminal only: a log would fill with it."""
        if sys.stdout.isatty():
            print(f"\r{self.seconds:7.1f} s  {text}\x1b[K", end="", flush=True)
            self._has_counter = True

    def _end_counter(self) -> None:
        if self._has_counter:
            print("\r\x1b[K", end="")
            self._has_counter = False


class Cast:
    """The people of the wave. Those whom the rules keep apart are different people."""

    def __init__(self, api: Api, scenario: Scenario) -> None:
        funded = next(a for a in scenario["applications"] if a["outcome"] == "funded")
        self.operator = api.actor("operator-claude", "operator")
        self.reviewers = [api.actor(f"reviewer-{n}", "reviewer") for n in (1, 2)]
        self.committee = api.actor("committee-dominique", "committee")
        self.decision_maker = api.actor("decision-maker-camille", "decision-maker")
        self.paying_officer = api.actor("paying-officer-maxime", "paying-officer")
        self.site_manager = api.actor("site-manager-alix", "site-manager", organisation=funded["lead"]["siren"])
        self.ethics = api.actor("ethics-sacha", "ethics")
        self.ministry = api.actor("ministry-eden", "ministry")
        self.applicants: dict[str, Actor] = {
            a["key"]: api.actor(f"applicant-{a['key']}", "applicant", organisation=a["lead"]["siren"])
            for a in scenario["applications"]
        }


@dataclass
class Wave:
    scenario: Scenario
    instance: Instance
    api: Api
    clock: ProgrammeClock
    progress: Progress
    cast: Cast
    call: str = ""
    applications: dict[str, str] = field(default_factory=dict)
    """Scenario key to id; the same below."""
    agreement: str = ""
    site: str = ""
    experiments: dict[str, str] = field(default_factory=dict)
    paid: list[int] = field(default_factory=list)
    """Numbers of the tranches that were paid."""

    def move_to(self, step: str) -> None:
        """Moves the programme's clock to a day of the scenario's calendar."""
        self.clock.move_to(instant(self.scenario["calendar"][step]))

    @property
    def funded(self) -> dict[str, Any]:
        application: dict[str, Any] = next(a for a in self.scenario["applications"] if a["outcome"] == "funded")
        return application
