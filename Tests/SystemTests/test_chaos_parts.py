"""The parts of the run under faults: a proxy that cuts nothing or a schedule without faults would prove nothing."""

from __future__ import annotations

import socket
import tempfile
import threading
import time
import unittest
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from chaos.check.findings import Findings
from chaos.fronts import Fronts
from chaos.schedule import KINDS, SLOT_S, minimum_per_kind, schedule
from chaos.stream import Message, Source, Stream
from feedback_stream import Place

SECONDS_MAX = 5.0


class Schedule(unittest.TestCase):
    def test_every_slot_has_a_fault_and_every_kind_comes_often_enough(self) -> None:
        for minutes in (2.0, 10.0):
            for seed in range(20):
                faults = schedule(seed, minutes)
                slots = {int(f.at_s / SLOT_S) for f in faults}
                self.assertEqual(slots, set(range(int(minutes * 60 / SLOT_S))), (seed, minutes))
                counts = Counter(f.kind for f in faults)
                self.assertGreaterEqual(min(counts[k] for k in KINDS), minimum_per_kind(minutes), (seed, minutes))

    def test_the_seed_alone_decides(self) -> None:
        self.assertEqual(schedule(4, 10), schedule(4, 10))
        self.assertNotEqual(schedule(4, 10), schedule(5, 10))

    def test_the_tail_of_the_load_is_cut(self) -> None:
        last = [f for f in schedule(1, 10) if f.at_s > 599]
        self.assertEqual(sorted(f.kind.split()[0] for f in last), ["cut", "kill"])


class Messages(unittest.TestCase):
    def stream(self, seed: int) -> list[Message]:
        place = Place("e", datetime(2023, 4, 3, tzinfo=UTC), ("P1", "P2", "P3", "P4"))
        return list(Stream(seed, [Source("p", place), Source("q", place)]))

    def test_every_cell_is_answered_once(self) -> None:
        messages = self.stream(1)
        cells = Counter((m.source.publisher, m.participant, m.instrument, m.occasion) for m in messages
                        if m.follows is None)
        self.assertEqual((len(cells), set(cells.values())), (2 * 4 * 2 * 100, {1}))

    def test_what_follows_comes_later_and_a_correction_was_answered_later(self) -> None:
        seen: dict[str, Message] = {}
        for message in self.stream(2):
            if message.follows is not None:
                self.assertIn(message.follows, seen)
                if message.kind == "correction":
                    self.assertGreater(message.at, seen[message.follows].at)
            seen[message.identity] = message

    def test_the_seed_alone_decides(self) -> None:
        self.assertEqual([m.body for m in self.stream(3)], [m.body for m in self.stream(3)])


class Comparison(unittest.TestCase):
    def test_too_few_are_lost_and_too_many_are_doubled(self) -> None:
        findings = Findings()
        findings.compare("thing", Counter({"a": 1, "b": 2}), Counter({"b": 5, "c": 1}))
        self.assertEqual((findings.total("lost"), findings.total("doubled"), findings.is_clean), (1, 4, False))
        self.assertEqual([line[:15] for line in findings.lines()], ["  DOUBLED thing", "  LOST thing: a"])


class Proxy(unittest.TestCase):
    """An echo behind a front; what is sent through it comes back, or not."""

    def setUp(self) -> None:
        self.server = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        self.ended = threading.Event()
        threading.Thread(target=self.echo, daemon=True).start()
        facts = Path(self.enterContext(tempfile.TemporaryDirectory())) / "env"
        port = self.server.getsockname()[1]
        facts.write_text(f"RABBITMQ_PORT={port}\nPOSTGRES_PORT={port}\n", encoding="ascii")
        self.fronts = Fronts(facts)
        self.addCleanup(self.fronts.close)
        address = ("127.0.0.1", self.fronts.ports["broker"])
        self.client = self.enterContext(socket.create_connection(address, SECONDS_MAX))
        self.assertEqual(self.echoed(b"hello"), b"hello")

    def echo(self) -> None:
        while True:
            try:
                peer, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer: socket.socket) -> None:
        with peer:
            try:
                while data := peer.recv(65_536):
                    peer.sendall(data)
            except OSError:
                pass
            self.ended.set()

    def echoed(self, data: bytes) -> bytes:
        self.client.sendall(data)
        return self.received(len(data))

    def received(self, count: int) -> bytes:
        got = b""
        try:
            while len(got) < count and (more := self.client.recv(count - len(got))):
                got += more
        except ConnectionError:
            pass
        return got

    def test_a_cut_ends_both_sides_in_the_middle(self) -> None:
        self.assertEqual(self.fronts.order("broker", "cut", bytes=1_000, reset=False), 1)
        got = self.echoed(bytes(5_000))
        self.assertLess(len(got), 5_000)
        self.assertTrue(self.ended.wait(SECONDS_MAX))

    def test_a_cut_waits_for_its_byte_and_lets_pass_what_comes_before(self) -> None:
        self.fronts.order("broker", "cut", bytes=1_000, reset=True)
        self.assertEqual(self.echoed(bytes(400)), bytes(400))
        self.assertLess(len(self.echoed(bytes(400))), 400)

    def test_a_delay_delays_and_keeps_the_order(self) -> None:
        self.fronts.order("broker", "delay", milliseconds=150, seconds=0.4)
        began = time.monotonic()
        parts = [str(n).encode() * 50 for n in range(9)]
        for part in parts:
            self.client.sendall(part)
        self.assertEqual(self.received(450), b"".join(parts))
        self.assertGreaterEqual(time.monotonic() - began, 0.3)

    def test_silence_is_the_end_for_the_server_and_nothing_at_all_for_the_client(self) -> None:
        self.fronts.order("broker", "silence", seconds=0.2, lingers=0.6)
        self.client.sendall(b"nobody hears this")
        self.assertTrue(self.ended.wait(SECONDS_MAX))
        self.client.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            self.client.recv(1)
        self.client.settimeout(SECONDS_MAX)
        self.assertEqual(self.received(1), b"")

    def test_a_fault_hits_its_own_front_only(self) -> None:
        self.assertEqual(self.fronts.order("database", "cut", bytes=1, reset=True), 0)
        self.assertEqual(self.echoed(b"still here"), b"still here")
