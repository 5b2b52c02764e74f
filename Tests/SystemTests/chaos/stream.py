"""Feedback without end: each cell of participant, instrument and occasion is answered once, in an order that the seed
shuffles, with repetitions, corrections, contradictions and nonsense among the answers.

Every message says what it is (`kind`), so that the checker knows what has to become of it.
"""

from __future__ import annotations

import heapq
import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from feedback_stream import AMENDED, DAY, SUBMITTED, Place

INSTRUMENTS = ("SUS", "NPS")
OCCASIONS = 100
"""Weekly; a protocol may have 200 windows."""
DISTANCE_MAX = 400
"""How many messages later a repetition or a correction may come."""

# Of 10,000 answered cells, so many are followed by this; and of 10,000 messages so many are this instead of an answer.
FOLLOWERS = {"duplicate": 150, "correction": 150, "identity-conflict": 50, "already-answered": 50}
NONSENSE = {"not-json": 20, "level-six": 30, "unknown-instrument": 20, "unknown-occasion": 20, "comment-too-long": 5,
            "unknown-participant": 5}


@dataclass(frozen=True)
class Source:
    """An experiment and the publisher that reports on it."""

    publisher: str
    place: Place

    @property
    def uri(self) -> str:
        return f"https://{self.publisher}.example/chaos"


@dataclass(frozen=True)
class Message:
    identity: str
    kind: str
    source: Source
    participant: str
    instrument: str
    occasion: str
    answers: tuple[int | None, ...]
    body: bytes
    at: datetime
    follows: str | None = None

    def entry(self) -> dict[str, Any]:
        """For the journal. The body only where nothing else names the message."""
        entry: dict[str, Any] = {
            "identity": self.identity, "kind": self.kind, "publisher": self.source.publisher, "source": self.source.uri,
            "experiment": self.source.place.experiment, "participant": self.participant,
            "instrument": self.instrument, "occasion": self.occasion, "answers": self.answers, "follows": self.follows,
        }
        return entry | {"body": self.body.decode()} if self.kind == "not-json" else entry


def plain_responses(seed: int, publisher: str, places: Iterable[Place]) -> Iterator[Message]:
    """Answers of all places from one publisher, each of which is to be accepted."""
    return (m for m in Stream(seed, [Source(publisher, place) for place in places]) if m.kind == "response")


class Stream:
    def __init__(self, seed: int, sources: list[Source], occasions: int = OCCASIONS) -> None:
        self._dice = random.Random(f"{seed}/feedback")
        self._seed = seed
        self._sources = sources
        self._occasions = occasions
        self._cells = [(s, p, i, o) for s, source in enumerate(sources) for p in range(len(source.place.pseudonyms))
                       for i in range(len(INSTRUMENTS)) for o in range(occasions)]
        self._dice.shuffle(self._cells)
        self._number = 0

    @property
    def cells_count(self) -> int:
        """How many answers there are to give; the stream has a few more messages."""
        return len(self._cells)

    def __iter__(self) -> Iterator[Message]:
        """Ends when every cell is answered."""
        later: list[tuple[int, int, Message]] = []
        for count, cell in enumerate(self._cells):
            while later and later[0][0] <= count:
                yield heapq.heappop(later)[2]
            kind = self._draw(NONSENSE)
            if kind is not None:
                yield self._nonsense(kind, cell)
                continue
            answer = self._message("response", cell, self._answers(cell))
            yield answer
            follower = self._draw(FOLLOWERS)
            if follower is not None:
                due = count + self._dice.randint(1, DISTANCE_MAX)
                heapq.heappush(later, (due, self._number, self._follower(follower, cell, answer)))

    def _draw(self, shares: dict[str, int]) -> str | None:
        roll = self._dice.randrange(10_000)
        for kind, share in shares.items():
            if roll < share:
                return kind
            roll -= share
        return None

    def _answers(self, cell: tuple[int, int, int, int]) -> tuple[int | None, ...]:
        if INSTRUMENTS[cell[2]] == "NPS":
            return (self._dice.randrange(11),)
        levels: list[int | None] = [self._dice.randint(1, 5) for _ in range(10)]
        if self._dice.random() < 0.1:
            levels[self._dice.randrange(10)] = None
        return tuple(levels)

    def _follower(self, kind: str, cell: tuple[int, int, int, int], answer: Message) -> Message:
        if kind == "duplicate":
            return Message(answer.identity, kind, answer.source, answer.participant, answer.instrument, answer.occasion,
                           answer.answers, answer.body, answer.at, follows=answer.identity)
        other = self._answers(cell)
        while other == answer.answers:
            other = self._answers(cell)
        identity = answer.identity if kind == "identity-conflict" else None
        return self._message(kind, cell, other, identity=identity, follows=answer)

    def _nonsense(self, kind: str, cell: tuple[int, int, int, int]) -> Message:
        answers = self._answers(cell)
        return self._message(kind, cell, (6, *answers[1:]) if kind == "level-six" and len(answers) == 10
                             else (11,) if kind == "level-six" else answers)

    def _message(self, kind: str, cell: tuple[int, int, int, int], answers: tuple[int | None, ...], *,
                 identity: str | None = None, follows: Message | None = None) -> Message:
        source = self._sources[cell[0]]
        self._number += 1
        identity = identity or f"{source.publisher}-{self._seed}-{self._number:07d}"
        participant = source.place.pseudonyms[cell[1]]
        instrument, occasion = INSTRUMENTS[cell[2]], f"W{cell[3] + 1}"
        opens = source.place.started_at + timedelta(days=7 * cell[3])
        # Of two corrections the later counts, so each is later than what it corrects.
        at = follows.at + timedelta(minutes=1) if follows else opens + timedelta(seconds=self._dice.randrange(6 * DAY))
        event: dict[str, Any] = {
            "specversion": "1.0", "id": identity, "source": source.uri,
            "type": AMENDED if kind == "correction" else SUBMITTED,
            "time": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"), "synthetic": True,
            "data": {"experiment": source.place.experiment, "participant": participant, "instrument": instrument,
                     "occasion": occasion, "answers": answers},
        }
        if kind == "correction":
            event["data"]["amends"] = follows.identity if follows else None
        return Message(identity, kind, source, participant, instrument, occasion, answers, _body(kind, event), at,
                       follows.identity if follows else None)


def _body(kind: str, event: dict[str, Any]) -> bytes:
    data = event["data"]
    match kind:
        case "unknown-instrument":
            data["instrument"] = "EQ5D"
        case "unknown-occasion":
            data["occasion"] = "W999"
        case "unknown-participant":
            data["participant"] = "0000ZZZZ0000"
        case "comment-too-long":
            data["comment"] = "x" * 4_001
    body = json.dumps(event, separators=(",", ":")).encode()
    return body[:-7] if kind == "not-json" else body
