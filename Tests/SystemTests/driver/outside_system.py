"""An outside system that publishes feedback over AMQP and reads its receipts, as a careful integrator would write it.

Every message is confirmed by the broker or sent again under the same identity, so none is lost; that the system counts
none twice is what the receipts tell.
"""

from __future__ import annotations

import functools
import json
import ssl
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pika
import pika.exceptions

from .instance import Failure

WINDOW = 200
"""Messages that wait for the broker's confirmation at the same time."""
RECEIPTS_PREFETCH = 50


@dataclass(frozen=True)
class Outgoing:
    identity: str
    body: bytes
    follows: str | None = None
    """Identity of a message that has to be confirmed before this one is sent."""
    is_settled_by_order: bool = False
    """Whether what becomes of both depends on which is judged first: the other one's receipt is awaited then."""


@dataclass(frozen=True)
class Receipt:
    identity: str
    outcome: str
    reason: str | None
    mend: str | None


class OutsideSystem:
    """One publisher with one connection in a thread of its own."""

    pause_max_s = 2.0
    """The longest pause before the next attempt to connect."""

    def __init__(self, url: str, publisher: str, authority: Path | None = None) -> None:
        self.publisher = publisher
        self._parameters = pika.URLParameters(url)
        if authority is not None:
            trust = ssl.create_default_context(cafile=str(authority))
            self._parameters.ssl_options = pika.SSLOptions(trust, self._parameters.host)
        self._parameters.heartbeat = 10
        self._lock = threading.Condition()
        self._pending: deque[Outgoing] = deque()
        self._unconfirmed: OrderedDict[int, Outgoing] = OrderedDict()
        self._open_identities: dict[str, int] = {}
        self._receipts: dict[str, list[Receipt]] = {}
        self._failure: str | None = None
        self._stopping = False
        self._connection: Any = None
        self._channel: Any = None
        self._tag = 0
        self.published = 0
        self.confirmed = 0
        self.sent_again = 0
        self._thread = threading.Thread(target=self._run, name=f"outside-{publisher}", daemon=True)

    # MARK: For the driver's thread

    def __enter__(self) -> OutsideSystem:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        self._on_loop(self._close)
        self._thread.join(timeout=10)

    def publish(self, messages: Iterable[Outgoing]) -> None:
        with self._lock:
            for message in messages:
                self._pending.append(message)
                self._open_identities[message.identity] = self._open_identities.get(message.identity, 0) + 1
        self._on_loop(self._pump)

    def confirmed_count(self) -> int:
        with self._lock:
            self._check()
            return self.confirmed

    def wait_until_confirmed(self, seconds: float = 180) -> None:
        with self._lock:
            done = self._lock.wait_for(
                lambda: self._failure or not (self._pending or self._unconfirmed), timeout=seconds)
            self._check()
            if not done:
                left = len(self._pending) + len(self._unconfirmed)
                raise Failure(f"{self.publisher}: {left} messages were not confirmed within {seconds:g} s")

    def receipts(self) -> dict[str, list[Receipt]]:
        """By identity; those of messages too broken to have one under the empty text."""
        with self._lock:
            self._check()
            return {identity: list(receipts) for identity, receipts in self._receipts.items()}

    def wait_for_receipts(self, counts: dict[str, int], seconds: float = 180) -> None:
        """Until every identity has at least so many receipts that say what became of it.

        A `duplicate` says only that there is one, and may come before it (decision 0009). Messages without an identity
        cannot be told apart, so that all their receipts count.
        """
        def missing() -> list[str]:
            return [i for i, count in counts.items() if self._answers_count(i) < count]

        with self._lock:
            done = self._lock.wait_for(lambda: self._failure or not missing(), timeout=seconds)
            self._check()
            if not done:
                left = missing()
                raise Failure(
                    f"{self.publisher}: no receipt for {len(left)} messages within {seconds:g} s, such as {left[:3]}")

    def _answers_count(self, identity: str) -> int:
        return sum(1 for r in self._receipts.get(identity, ()) if not identity or r.outcome != "duplicate")

    def _check(self) -> None:
        if self._failure is not None:
            raise Failure(f"{self.publisher}: {self._failure}")

    # MARK: In the thread of the connection

    def _run(self) -> None:
        pause = 0.1
        while not self._stopping:
            opened = time.monotonic()
            try:
                self._connection = pika.SelectConnection(
                    self._parameters, on_open_callback=self._opened,
                    on_open_error_callback=lambda connection, _: connection.ioloop.stop(),
                    on_close_callback=lambda connection, _: connection.ioloop.stop())
                self._connection.ioloop.start()
            except pika.exceptions.AMQPError:
                pass
            except Exception as error:  # a thread that dies in silence would look like a system that does not answer
                if not self._survives(error):
                    self._fail(f"{type(error).__name__}: {error}")
                    return
            self._take_back()
            pause = 0.1 if time.monotonic() - opened > 5 else min(self.pause_max_s, pause * 2)
            if not self._stopping:
                time.sleep(pause)

    def _survives(self, _: Exception) -> bool:
        return False

    def _take_back(self) -> None:
        """Nobody knows what became of unconfirmed messages: they go first and in order over the next connection."""
        with self._lock:
            self._channel = None
            self.sent_again += len(self._unconfirmed)
            self._pending.extendleft(reversed(self._unconfirmed.values()))
            self._unconfirmed.clear()

    def _opened(self, connection: Any) -> None:
        connection.channel(on_open_callback=self._publishing)
        connection.channel(on_open_callback=self._receiving)

    def _publishing(self, channel: Any) -> None:
        channel.add_on_return_callback(self._returned)
        channel.add_on_close_callback(self._channel_closed)
        self._tag = 0
        channel.confirm_delivery(self._settled, callback=functools.partial(self._ready, channel))

    def _ready(self, channel: Any, _: object) -> None:
        with self._lock:
            self._channel = channel
        self._pump()

    def _pump(self) -> None:
        """Sends what the window admits. A message that refers to another one waits for that one."""
        while True:
            with self._lock:
                if self._channel is None or not self._channel.is_open:
                    return
                if not self._pending or len(self._unconfirmed) >= WINDOW:
                    return
                message = self._pending[0]
                if message.follows is not None and self._is_open(message):
                    return
                self._pending.popleft()
                self._tag += 1
                self._unconfirmed[self._tag] = message
                self.published += 1
                channel = self._channel
            properties = pika.BasicProperties(
                content_type="application/cloudevents+json; charset=utf-8", delivery_mode=2,
                message_id=message.identity)
            channel.basic_publish(f"feedback.in.{self.publisher}", "", message.body, properties, mandatory=True)

    def _is_open(self, message: Outgoing) -> bool:
        """Whether the message that this one follows is on its way; a repetition has that one's identity itself."""
        if message.is_settled_by_order:
            # Several replicas read the queue: the broker has the first message, and the second may still overtake it.
            receipts = self._receipts.get(message.follows or "", ())
            return all(receipt.outcome == "waiting" for receipt in receipts)
        own = 1 if message.identity == message.follows else 0
        return self._open_identities.get(message.follows or "", 0) > own

    def _settled(self, frame: Any) -> None:
        is_accepted = type(frame.method).__name__.endswith("Ack")
        with self._lock:
            first = next(iter(self._unconfirmed)) if frame.method.multiple and self._unconfirmed else None
            tags = range(first, frame.method.delivery_tag + 1) if first else (frame.method.delivery_tag,)
            settled = [self._unconfirmed.pop(tag) for tag in tags if tag in self._unconfirmed]
            if is_accepted:
                for message in settled:
                    self._confirm(message)
            else:
                self.sent_again += len(settled)
                self._pending.extendleft(reversed(settled))
            self._lock.notify_all()
        # The queue is full: a short pause before the next attempt.
        if is_accepted:
            self._pump()
        else:
            self._connection.ioloop.call_later(0.2, self._pump)

    def _confirm(self, message: Outgoing) -> None:
        """Under the lock."""
        self.confirmed += 1
        self._open_identities[message.identity] -= 1

    def _returned(self, _channel: Any, method: Any, _properties: Any, _body: bytes) -> None:
        self._fail(f"the broker returned a message: {method.reply_code} {method.reply_text}")

    def _channel_closed(self, _channel: Any, reason: Exception) -> None:
        """The broker closes a channel for what we did wrong; with the connection it goes for other reasons."""
        if isinstance(reason, pika.exceptions.ChannelClosedByBroker):
            self._fail(f"the broker closed the channel: {reason}")

    def _fail(self, text: str) -> None:
        with self._lock:
            self._failure = self._failure or text
            self._lock.notify_all()

    def _receiving(self, channel: Any) -> None:
        channel.add_on_close_callback(self._channel_closed)
        channel.basic_qos(prefetch_count=RECEIPTS_PREFETCH)
        channel.basic_consume(f"feedback.receipts.{self.publisher}", self._received)

    def _received(self, channel: Any, method: Any, _properties: Any, body: bytes) -> None:
        """A message of receipts may come again: what became of an identity counts, not how often it was told."""
        data = json.loads(body)["data"]
        with self._lock:
            for item in data["receipts"]:
                self._note(Receipt(item["id"], item["outcome"], item.get("reason"), item.get("mend")))
            self._lock.notify_all()
        channel.basic_ack(method.delivery_tag)
        self._pump()

    def _note(self, receipt: Receipt) -> None:
        """Under the lock."""
        self._receipts.setdefault(receipt.identity, []).append(receipt)

    # MARK: Between the threads

    def _on_loop(self, action: Any) -> None:
        connection = self._connection
        if connection is not None:
            connection.ioloop.add_callback_threadsafe(action)

    def _close(self) -> None:
        connection = self._connection
        if connection is not None and connection.is_open:
            connection.close()
