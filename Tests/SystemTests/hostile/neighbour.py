"""A careful publisher with a steady trickle of responses, and how long each of its receipts took."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from chaos.stream import Message
from driver.instance import Failure
from driver.outside_system import Outgoing, OutsideSystem, Receipt

RATE_PER_S = 200
TICK_S = 0.025


@dataclass(frozen=True)
class Latency:
    """From the instant at which a response is due to its receipt, in milliseconds; up to the beat's 25 are ours."""

    count: int
    p50_ms: float
    p99_ms: float

    @staticmethod
    def of(seconds: list[float]) -> Latency:
        milliseconds = [s * 1000 for s in seconds]
        return Latency(len(milliseconds), median(milliseconds), quantiles(milliseconds, n=100)[98])

    def __str__(self) -> str:
        return f"p50 {self.p50_ms:5.1f} ms, p99 {self.p99_ms:6.1f} ms of {self.count}"


class Neighbour(OutsideSystem):
    def __init__(self, url: str, publisher: str, messages: Iterator[Message]) -> None:
        super().__init__(url, publisher)
        self._messages = messages
        self._sent_at: dict[str, float] = {}
        self._latencies: list[float] = []
        self.outcomes: Counter[str] = Counter()
        self.strange: list[str] = []
        """Identities in receipts that were never sent, or are told a second time."""

    def begin(self) -> None:
        with self._lock:
            self._latencies.clear()

    def send_for(self, seconds: float | None, is_over: Any = None) -> None:
        """At the rate, on an even beat, for so long or until `is_over()`; what is late is not left out."""
        began = time.monotonic()
        sent = 0
        while (seconds is None or time.monotonic() - began < seconds) and not (is_over and is_over()):
            due = int((time.monotonic() - began) * RATE_PER_S) - sent
            batch = list(itertools.islice(self._messages, due))
            if len(batch) < due:
                raise Failure("the neighbour has no answers left to give: fewer rounds")
            with self._lock:
                # By the beat: what we hand over late counts as late.
                for number, message in enumerate(batch, start=sent):
                    self._sent_at[message.identity] = began + number / RATE_PER_S
            sent += len(batch)
            if batch:
                self.publish(Outgoing(message.identity, message.body) for message in batch)
            time.sleep(TICK_S)

    def finish(self, seconds: float = 60) -> Latency:
        """Waits for the receipts that are still to come."""
        with self._lock:
            self._lock.wait_for(lambda: self._failure or not self._sent_at, timeout=seconds)
            self._check()
            if self._sent_at:
                self.outcomes["no receipt"] += len(self._sent_at)
            self._sent_at.clear()
            return Latency.of(self._latencies)

    def _note(self, receipt: Receipt) -> None:
        sent_at = self._sent_at.pop(receipt.identity, None)
        if sent_at is None:
            self.strange.append(receipt.identity)
            return
        self._latencies.append(time.monotonic() - sent_at)
        self.outcomes[receipt.outcome if receipt.reason is None else f"{receipt.outcome} {receipt.reason}"] += 1
