"""AMQP 0-9-1 as somebody speaks it who keeps to no rule: frames are made beforehand, written as fast as the broker
takes them, broken off in the middle, or made wrong."""

from __future__ import annotations

import socket
import struct
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote, urlsplit

from pika import BasicProperties, frame, spec

FRAME_BYTES_MAX = 131_072
FRAME_OVERHEAD_BYTES = 8
TIMEOUT_S = 60.0
CHANNEL = 1


class Refused(Exception):
    """The broker ended the channel or the connection, and said why."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text


class Wire:
    """One connection with one channel in confirm mode."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 5672), TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""
        self._tag = 0
        self._open: dict[int, None] = {}
        """Tags in the order of their publication."""
        self.settled: Counter[str] = Counter()
        self._login(unquote(parts.username or ""), unquote(parts.password or ""), unquote(parts.path[1:]))

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    # MARK: Frames

    def write(self, data: bytes) -> None:
        """Raises `Refused` where the broker has ended the connection meanwhile and its word is still to be read."""
        try:
            self._socket.sendall(data)
        except OSError:
            self._read_until(lambda _: False)
            raise

    def break_off(self) -> None:
        """The other side sees a reset, as after a crash."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def call(self, method: Any, answer: type[Any]) -> None:
        self.write(frame.Method(CHANNEL, method).marshal())
        self._read_until(lambda method: isinstance(method, answer))

    def publish(self, messages: Iterable[tuple[dict[str, Any] | None, bytes]], exchange: str, *,
                window: int = 2_000) -> None:
        """Writes them as fast as the broker confirms them, at most `window` ahead, and waits for the last."""
        chunk: list[bytes] = []
        for headers, body in messages:
            chunk.append(publication(exchange, headers, body))
            self._tag += 1
            self._open[self._tag] = None
            if len(chunk) >= 100:
                self.write(b"".join(chunk))
                chunk.clear()
                self._read_while(lambda: len(self._open) > window)
        self.write(b"".join(chunk))
        self._read_while(lambda: bool(self._open))

    def listen(self) -> None:
        """Until the broker takes something after all; raises `Refused` where it ends the channel or the connection."""
        self._read_until(lambda method: isinstance(method, spec.Basic.Ack))

    # MARK: Reading

    def _read_while(self, condition: Callable[[], bool]) -> None:
        while condition():
            self._take(self._read_frame())

    def _read_until(self, is_it: Callable[[Any], bool]) -> None:
        while True:
            method = self._take(self._read_frame())
            if method is not None and is_it(method):
                return

    def _read_frame(self) -> Any:
        while True:
            count, decoded = frame.decode_frame(self._received)
            if decoded is not None:
                self._received = self._received[count:]
                return decoded
            data = self._socket.recv(1 << 16)
            if not data:
                raise ConnectionResetError("the broker closed without a word")
            self._received += data

    def _take(self, decoded: Any) -> Any:
        method = getattr(decoded, "method", None)
        match method:
            case spec.Basic.Ack() | spec.Basic.Nack():
                name = "taken" if isinstance(method, spec.Basic.Ack) else "refused"
                self._settle(name, method.delivery_tag, method.multiple)
            case spec.Channel.Close() | spec.Connection.Close():
                raise Refused(method.reply_code, method.reply_text)
        return method

    def _settle(self, name: str, tag: int, is_multiple: bool) -> None:
        while is_multiple and self._open and (first := next(iter(self._open))) < tag:
            del self._open[first]
            self.settled[name] += 1
        if tag in self._open:
            del self._open[tag]
            self.settled[name] += 1

    # MARK: Opening

    def _login(self, user: str, password: str, vhost: str) -> None:
        self.write(frame.ProtocolHeader().marshal())
        self._read_until(lambda method: isinstance(method, spec.Connection.Start))
        self._say(0, spec.Connection.StartOk(client_properties={}, mechanism="PLAIN",
                                             response=f"\0{user}\0{password}".encode().decode("latin-1")))
        self._read_until(lambda method: isinstance(method, spec.Connection.Tune))
        self._say(0, spec.Connection.TuneOk(channel_max=8, frame_max=FRAME_BYTES_MAX, heartbeat=0))
        self._say(0, spec.Connection.Open(virtual_host=vhost))
        self._read_until(lambda method: isinstance(method, spec.Connection.OpenOk))
        self.call(spec.Channel.Open(), spec.Channel.OpenOk)
        self.call(spec.Confirm.Select(), spec.Confirm.SelectOk)

    def _say(self, channel: int, method: Any) -> None:
        self.write(frame.Method(channel, method).marshal())


def publication(exchange: str, headers: dict[str, Any] | None, body: bytes, key: str = "") -> bytes:
    """All frames of one message."""
    properties = BasicProperties(content_type="application/cloudevents+json", delivery_mode=2, headers=headers)
    step = FRAME_BYTES_MAX - FRAME_OVERHEAD_BYTES
    return b"".join([
        frame.Method(CHANNEL, spec.Basic.Publish(exchange=exchange, routing_key=key)).marshal(),
        frame.Header(CHANNEL, len(body), properties).marshal(),
        *(frame.Body(CHANNEL, body[at:at + step]).marshal() for at in range(0, len(body), step)),
    ])
