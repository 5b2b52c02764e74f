"""The outside publishers under faults: what the broker did not confirm is sent again, and nothing is remembered that
the checker does not need."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pika.exceptions

from driver.outside_system import Outgoing, OutsideSystem, Receipt

from .stream import Message, Stream

BACKLOG_MAX = 20_000
"""Confirmed messages without a receipt, per publisher. A publisher that hears nothing does not go on for ever."""
AHEAD = 400
TROUBLES_MAX = 500
PACE_S = 0.01

Outcome = tuple[str, str | None]


class Publisher(OutsideSystem):
    def __init__(self, url: str, publisher: str) -> None:
        super().__init__(url, publisher)
        self.confirms: Counter[str] = Counter()
        self.outcomes: dict[str, Counter[Outcome]] = {}
        self.receipts_count = 0
        self.troubles = 0
        self.unreadable: set[str] = set()
        """Identities that no receipt can name, since nobody can read them."""
        self._back: set[str] = set()
        self._unanswered: set[str] = set()

    def backlog(self) -> int:
        with self._lock:
            self._check()
            return len(self._pending) + len(self._unconfirmed) + len(self._unanswered)

    def state(self) -> str:
        with self._lock:
            return (f"{len(self._pending)} to send, {len(self._unconfirmed)} unconfirmed, "
                    f"{len(self._unanswered)} unanswered")

    def is_ahead(self) -> bool:
        with self._lock:
            return len(self._pending) >= AHEAD

    def _confirm(self, message: Outgoing) -> None:
        if message.identity in self._back:
            # Accepted and routed to nobody: not delivered.
            self._back.discard(message.identity)
            self.sent_again += 1
            self._pending.appendleft(message)
            return
        super()._confirm(message)
        self.confirms[message.identity] += 1
        if message.identity not in self.outcomes and message.identity not in self.unreadable:
            self._unanswered.add(message.identity)

    def _note(self, receipt: Receipt) -> None:
        self.receipts_count += 1
        self._unanswered.discard(receipt.identity)
        self.outcomes.setdefault(receipt.identity, Counter())[receipt.outcome, receipt.reason] += 1

    def _returned(self, _channel: Any, _method: Any, properties: Any, _body: bytes) -> None:
        with self._lock:
            self._back.add(properties.message_id)

    def _channel_closed(self, _channel: Any, reason: Exception) -> None:
        """A broker that has just started may refuse what it will allow in a moment: begin again, not for ever."""
        if not isinstance(reason, pika.exceptions.ChannelClosedByBroker):
            return
        if not self._survives(reason):
            self._fail(f"{self.troubles} troubles with the broker, lastly: {reason}")
        self._close()

    def _survives(self, _: Exception) -> bool:
        """The client library stumbles over connections that end while it opens them."""
        self.troubles += 1
        return self.troubles <= TROUBLES_MAX


@dataclass
class Load:
    """Feeds the publishers from the stream until it is told to stop, at a pace that leaves something to be sent until
    the end: every fault has to find the stream running."""

    stream: Stream
    publishers: dict[str, Publisher]
    stopping: threading.Event
    seconds: float
    sent: list[Message] = field(default_factory=list)
    is_exhausted: bool = False

    def run(self) -> None:
        messages = iter(self.stream)
        began = time.monotonic()
        while not self.stopping.is_set() and not self.is_exhausted:
            due = int(self.stream.cells_count * (time.monotonic() - began) / self.seconds) - len(self.sent)
            if due <= 0 or any(p.is_ahead() or p.backlog() > BACKLOG_MAX for p in self.publishers.values()):
                self.stopping.wait(PACE_S)
                continue
            self._publish(messages, min(due, AHEAD))

    def _publish(self, messages: Iterator[Message], count: int) -> None:
        batches: dict[str, list[Outgoing]] = {name: [] for name in self.publishers}
        for _ in range(count):
            message = next(messages, None)
            if message is None:
                self.is_exhausted = True
                break
            self.sent.append(message)
            if message.kind == "not-json":
                self.publishers[message.source.publisher].unreadable.add(message.identity)
            batches[message.source.publisher].append(Outgoing(message.identity, message.body, message.follows))
        for name, batch in batches.items():
            self.publishers[name].publish(batch)

    def confirmed(self) -> int:
        return sum(publisher.confirmed_count() for publisher in self.publishers.values())

    def waiting(self) -> str:
        """What the load waits for, if it does not get on."""
        return ", ".join(f"{name}: {publisher.state()}" for name, publisher in self.publishers.items())

    def entries(self) -> Iterator[dict[str, Any]]:
        """What was published, with the confirms and receipts of its identity; bodies of nonsense included."""
        for message in self.sent:
            publisher = self.publishers[message.source.publisher]
            outcomes = publisher.outcomes.get(message.identity, Counter())
            yield message.entry() | {
                "confirms": publisher.confirms.get(message.identity, 0),
                "receipts": [[outcome, reason, count] for (outcome, reason), count in outcomes.items()],
            }
