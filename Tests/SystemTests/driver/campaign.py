"""Six months of feedback: week by week the outside systems publish, and read what became of it."""

from __future__ import annotations

import subprocess
from collections import Counter, defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta

from feedback_stream import PUBLISHED_AT_S, Answer, FeedbackStream, Place, render

from .contracting import pay_tranche_if_released
from .instance import Failure
from .outside_system import Outgoing, OutsideSystem, Receipt
from .waiting import until
from .wave import Wave

Outcomes = Counter[tuple[str, str | None]]
"""What a publisher was told about one identity, with the reason, and how often."""

# Messages too broken to have an identity are told apart by nothing; their receipts carry the empty text.
UNREADABLE = ("not-json", "oversized")
# The first answer counts, and the first content of an identity: the scenario says which one that is.
SETTLED_BY_ORDER = ("already-answered", "identity-conflict")


@dataclass(frozen=True)
class CampaignResult:
    outcomes: dict[str, Outcomes]
    """By publisher and identity."""
    expected: dict[str, Outcomes]
    published: int
    sent_again: int
    seconds: float
    was_cut: bool = False
    """Whether a process was killed: the broker then delivers again what it had not seen acknowledged."""


class Campaign:
    """Publishes the stream of the scenario; in the middle it ends one process or runs a command, if asked to."""

    def __init__(self, wave: Wave, places: dict[str, Place], kill: str | None = None, midway: str | None = None) -> None:
        self._wave = wave
        self._places = places
        self._kill = kill
        self._midway = midway
        self._stream = FeedbackStream(wave.scenario)
        self._reasons = {d["kind"]: (d["outcome"], d["reason"]) for d in wave.scenario["feedback"]["deviations"]}
        self._expected: dict[str, dict[str, Outcomes]] = defaultdict(lambda: defaultdict(Counter))
        self._systems: dict[str, OutsideSystem] = {}

    def run(self) -> CampaignResult:
        wave = self._wave
        began = wave.progress.seconds
        with ExitStack() as stack:
            for publisher in (p["publisher"] for p in wave.scenario["feedback"]["publishers"]):
                url = wave.instance.publisher_url(publisher)
                system = OutsideSystem(url, publisher, wave.instance.broker_authority)
                self._systems[publisher] = stack.enter_context(system)
            for week in range(1, self._stream.weeks + 1):
                self._publish(week)
                pay_tranche_if_released(wave, 2)
            seconds = wave.progress.seconds - began
            return self._result(seconds)

    def _publish(self, week: int) -> None:
        wave = self._wave
        begins = max(p.started_at for p in self._places.values())
        wave.clock.move_to(begins + timedelta(weeks=week - 1, seconds=PUBLISHED_AT_S))
        messages = self._stream.week(week)
        confirmed = self._confirmed()
        for publisher, answers in messages.items():
            for answer in answers:
                self._expect(answer)
            self._systems[publisher].publish(
                Outgoing(a.identity, render(a, self._places), a.follows, a.deviation in SETTLED_BY_ORDER)
                for a in answers)
        total = sum(map(len, messages.values()))
        if (self._kill or self._midway) and week == self._stream.weeks // 2:
            self._wait_for_confirmed(confirmed + total // 2)
            wave.progress.say(f"week {week}: {self._disturb()} in the middle of {total} messages")
        for system in self._systems.values():
            system.wait_until_confirmed()
        # All are judged before the clock moves on: what lies in the future today must not be today's tomorrow.
        for publisher, system in self._systems.items():
            system.wait_for_receipts({i: 1 if i else sum(c.values()) for i, c in self._expected[publisher].items()})
        text = f"week {week} of {self._stream.weeks}: {self._confirmed()} messages published and answered"
        if week % 5 == 0 or week == self._stream.weeks:
            wave.progress.say(text)
        else:
            wave.progress.count(text)

    def _disturb(self) -> str:
        if self._kill:
            self._wave.instance.kill(self._kill)
            return f"{self._kill} was killed with -9"
        result = subprocess.run(["bash", "-c", self._midway or ""], capture_output=True, text=True, timeout=300, check=False)
        if result.returncode != 0:
            raise Failure(f"`{self._midway}` failed: {result.stderr.strip()}")
        return f"`{self._midway}` ran"

    def _confirmed(self) -> int:
        return sum(system.confirmed_count() for system in self._systems.values())

    def _wait_for_confirmed(self, count: int) -> None:
        until("half of the week's messages are confirmed", lambda: True if self._confirmed() >= count else None)

    def _expect(self, answer: Answer) -> None:
        outcome = self._reasons[answer.deviation] if answer.deviation else ("accepted", None)
        identity = "" if answer.deviation in UNREADABLE else answer.identity
        self._expected[answer.publisher][identity][outcome] += 1

    def _result(self, seconds: float) -> CampaignResult:
        outcomes: dict[str, Outcomes] = {}
        expected: dict[str, Outcomes] = {}
        for publisher, system in self._systems.items():
            for identity, counter in self._expected[publisher].items():
                expected[f"{publisher}/{identity}"] = counter
            for identity, receipts in system.receipts().items():
                outcomes[f"{publisher}/{identity}"] = _told(receipts)
        return CampaignResult(
            outcomes, expected, published=self._confirmed(),
            sent_again=sum(s.sent_again for s in self._systems.values()), seconds=seconds,
            was_cut=self._kill is not None)


def _told(receipts: list[Receipt]) -> Outcomes:
    """Without `waiting` where that was not the end."""
    told = Counter((r.outcome, r.reason) for r in receipts)
    waiting = ("waiting", None)
    if len(told) > 1:
        told.pop(waiting, None)
    return told
