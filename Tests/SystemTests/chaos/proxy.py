"""python3 -m chaos.proxy --facts FILE NAME=FACT…

Listens in front of servers and does to their bytes what bad networks do. Each NAME is one front, on a free port; FACT
is the line of the instance's env that holds the port of the server behind it, read anew for every connection. The ports
are printed as one JSON line. Every line of standard input then is one fault, as JSON, answered by a line that says how
many connections it hit:

    {"front": "broker", "fault": "cut", "bytes": 700, "reset": true}
        the rest of a frame never comes
    {"front": "broker", "fault": "delay", "milliseconds": 200, "seconds": 3}
    {"front": "broker", "fault": "silence", "seconds": 4, "lingers": 8}
        nothing passes; then the server sees an end, and the client goes on hearing nothing for `lingers`
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import struct
import sys
from collections import deque
from pathlib import Path
from typing import Any, cast

CONNECT_TIMEOUT_S = 5.0
IDLE_CUT_S = 1.0
"""A cut that waits for its byte comes anyhow after so long: an idle connection has no frame to be cut in."""
HELD_BYTES_MAX = 1 << 20


class Side(asyncio.Protocol):
    """One end of a link. What arrives here leaves at the other end."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.transport: asyncio.Transport | None = None
        self.other: Side | None = None
        self._held: deque[tuple[float, bytes]] = deque()
        self._held_bytes = 0
        self._is_flushing = False
        self._is_over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        self._link.carry(self, data)

    def connection_lost(self, _: Exception | None) -> None:
        self._link.lost(self)

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.read(False)

    def resume_writing(self) -> None:
        if self.other is not None and not self._link.is_silent:
            self.other.read(True)

    def read(self, is_reading: bool) -> None:
        transport = self.transport
        if transport is not None and not transport.is_closing():
            (transport.resume_reading if is_reading else transport.pause_reading)()

    def send(self, data: bytes, at: float) -> None:
        """Not before `at`, and never before what was sent before."""
        if not self._held and at <= self._link.loop.time():
            if self.transport is not None and not self.transport.is_closing():
                self.transport.write(data)
            return
        self._held.append((at, data))
        self._held_bytes += len(data)
        if self._held_bytes > HELD_BYTES_MAX and self.other is not None:
            self.other.read(False)
        self._flush()

    def _flush(self) -> None:
        if self._is_flushing or not self._held:
            return
        self._is_flushing = True
        self._link.loop.call_at(self._held[0][0], self._release)

    def _release(self) -> None:
        self._is_flushing = False
        while self._held and self._held[0][0] <= self._link.loop.time():
            _, data = self._held.popleft()
            self._held_bytes -= len(data)
            if self.transport is not None and not self.transport.is_closing():
                self.transport.write(data)
        if self._held:
            self._flush()
        elif self._is_over:
            self.finish()
        elif self.other is not None and not self._link.is_silent:
            self.other.read(True)

    def finish(self) -> None:
        """Ends once everything has left."""
        self._is_over = True
        if not self._held and self.transport is not None and not self.transport.is_closing():
            self.transport.close()

    def abort(self, reset: bool) -> None:
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        if reset:
            sock = transport.get_extra_info("socket")
            if sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        else:
            transport.close()


class Link:
    """A connection through a front."""

    def __init__(self, front: Front) -> None:
        self.loop = front.loop
        self._front = front
        self.client = Side(self)
        self.server = Side(self)
        self.client.other, self.server.other = self.server, self.client
        self._bytes_left: int | None = None
        self._cut_resets = False
        self.is_silent = False
        self._is_abandoned = False

    def carry(self, side: Side, data: bytes) -> None:
        other = self.server if side is self.client else self.client
        if self._is_abandoned:
            return
        if self._bytes_left is not None and len(data) >= self._bytes_left:
            if self._bytes_left:
                other.send(data[:self._bytes_left], 0)
            self.end(self._cut_resets)
            return
        if self._bytes_left is not None:
            self._bytes_left -= len(data)
        delay = self._front.delay_s
        other.send(data, self.loop.time() + delay if delay else 0)

    def lost(self, side: Side) -> None:
        if not self._is_abandoned or side is self.client:
            (self.server if side is self.client else self.client).finish()
        if self.client.transport is None or self.client.transport.is_closing():
            self._front.links.discard(self)

    def cut_after(self, count: int, reset: bool) -> None:
        self._bytes_left, self._cut_resets = count, reset
        self.loop.call_later(IDLE_CUT_S, self.end, reset)

    def end(self, reset: bool) -> None:
        self.client.abort(reset)
        self.server.abort(reset)

    def fall_silent(self) -> None:
        self.is_silent = True
        self.client.read(False)
        self.server.read(False)

    def abandon(self) -> None:
        """The server sees an end; the client is told nothing."""
        self._is_abandoned = True
        self.server.abort(True)


class Front:
    """A port of ours and the server behind it."""

    def __init__(self, name: str, facts: Path, fact: str) -> None:
        self.loop = asyncio.get_running_loop()
        self.name = name
        self.links: set[Link] = set()
        self._facts = facts
        self._fact = fact
        self._delay_s = 0.0
        self._delayed_until = 0.0
        self._silent_until = 0.0
        self._connecting: set[asyncio.Task[None]] = set()

    @property
    def delay_s(self) -> float:
        return self._delay_s if self.loop.time() < self._delayed_until else 0.0

    async def listen(self) -> int:
        server = await self.loop.create_server(self._accept, "127.0.0.1", 0, backlog=512)
        port: int = server.sockets[0].getsockname()[1]
        return port

    def _accept(self) -> Side:
        link = Link(self)
        self.links.add(link)
        task = self.loop.create_task(self._connect(link))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)
        return link.client

    async def _connect(self, link: Link) -> None:
        # The client's first bytes wait for the server.
        await asyncio.sleep(0)
        link.client.read(False)
        while self.loop.time() < self._silent_until:
            await asyncio.sleep(0.05)
        try:
            connecting = self.loop.create_connection(lambda: link.server, "127.0.0.1", self._port())
            await asyncio.wait_for(connecting, CONNECT_TIMEOUT_S)
        except (OSError, asyncio.TimeoutError, ValueError):
            link.client.abort(True)
            self.links.discard(link)
            return
        if link.client.transport is None or link.client.transport.is_closing():
            link.server.abort(True)
        elif not link.is_silent:
            link.client.read(True)

    def _port(self) -> int:
        lines = self._facts.read_text(encoding="utf-8").splitlines()
        return int(next(line.partition("=")[2] for line in lines if line.startswith(f"{self._fact}=")))

    # MARK: Faults

    def fault(self, order: dict[str, Any]) -> int:
        links = [link for link in self.links if link.client.transport is not None]
        match order["fault"]:
            case "cut":
                for link in links:
                    link.cut_after(int(order["bytes"]), bool(order["reset"]))
            case "delay":
                self._delay_s = order["milliseconds"] / 1000
                self._delayed_until = self.loop.time() + order["seconds"]
            case "silence":
                self._silent_until = self.loop.time() + order["seconds"]
                for link in links:
                    link.fall_silent()
                    self.loop.call_later(order["seconds"], link.abandon)
                    self.loop.call_later(order["seconds"] + order["lingers"], link.client.abort, True)
            case other:
                raise ValueError(f"no fault {other}")
        return len(links)


async def serve(facts: Path, fronts: dict[str, str]) -> None:
    listening = {name: Front(name, facts, fact) for name, fact in fronts.items()}
    print(json.dumps({name: await front.listen() for name, front in listening.items()}), flush=True)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    # The end of the input is the end of the proxy: it never outlives who started it.
    while line := await reader.readline():
        order = json.loads(line)
        print(json.dumps({"hit": listening[order["front"]].fault(order)}), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="proxy", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=Path, required=True, help="env of the instance")
    parser.add_argument("fronts", nargs="+", metavar="NAME=FACT")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.facts, dict(front.split("=", 1) for front in arguments.fronts)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
