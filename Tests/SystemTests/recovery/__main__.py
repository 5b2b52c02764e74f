"""python3 -m recovery --instance DIRECTORY --rounds R

A publisher sends 200 responses a second and reads its receipts, which are intake, database, relay and broker in one
line. Round by round the broker is killed -9 and started again: printed is how long it takes from its first answer to
the first receipt of a new response. Then one of two feedback services, the one whose relay is at work, is killed -9,
and another time stopped without a word: printed is how long it takes until the other one's relay has the place, and
until it has published an event that was committed afterwards. The last line is the verdict.
"""

from __future__ import annotations

import argparse
import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import pika
import pika.exceptions

from chaos.publishers import Publisher
from chaos.servers import script
from chaos.stage import set_the_stage
from chaos.stream import Message, plain_responses
from driver.instance import REPOSITORY, Failure, Instance
from driver.outside_system import Outgoing, Receipt
from driver.superuser import sql
from driver.waiting import until

PUBLISHER = "telesuivi"
RATE_PER_S = 200
STAGE_MINUTES_PER_ROUND = 1
"""Of `chaos`: 160 participants, who have 32,000 answers to give, enough for 160 s."""
SECONDS_MAX = 5.0
STEADY_S = 3.0
ATTEMPTS_MAX = 10
LOOK_EVERY_S = 0.03
"""What is measured must not wait for the next look."""


class Watcher(Publisher):
    """Knows when receipts came."""

    pause_max_s = 0.1
    """What is measured is the system's pause, not the client's."""

    def __init__(self, url: str) -> None:
        super().__init__(url, PUBLISHER)
        self._sent_at: dict[str, float] = {}
        self._arrivals: list[tuple[float, float]] = []
        """When a receipt came, and when its response was sent."""

    def send(self, messages: Iterator[Message], stopping: threading.Event) -> None:
        began, sent = time.monotonic(), 0
        while not stopping.wait(0.02):
            due = int((time.monotonic() - began) * RATE_PER_S) - sent
            batch = list(itertools.islice(messages, due))
            if len(batch) < due:
                self._fail("no answers are left to give: fewer rounds")
            sent += due
            with self._lock:
                self._sent_at |= {message.identity: time.monotonic() for message in batch}
            self.publish(Outgoing(message.identity, message.body) for message in batch)

    def wait_until_steady(self) -> None:
        """What was sent is answered within a second, for a while."""
        def look() -> bool | None:
            now = time.monotonic()
            with self._lock:
                self._check()
                recent = [came - sent for came, sent in self._arrivals if came > now - STEADY_S]
                oldest = min(self._sent_at.values(), default=now)
            return True if recent and max(recent) < 1 and now - oldest < 1 else None

        until("the receipts come at once", look, 120)

    def silence_s(self, since: float) -> float:
        """From an instant to the first receipt after it for what was sent after it."""
        def look() -> float | None:
            with self._lock:
                self._check()
                return next((came - since for came, sent in self._arrivals if sent > since), None)

        return until("a receipt comes again", look, 120)

    def _note(self, receipt: Receipt) -> None:
        super()._note(receipt)
        sent = self._sent_at.pop(receipt.identity, None)
        if sent is not None:
            self._arrivals.append((time.monotonic(), sent))


class Services:
    """The instance's feedback service, and a second one beside it that nobody starts again."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    @contextmanager
    def second(self) -> Iterator[subprocess.Popen[bytes]]:
        first = self._first()
        environment = dict(line.split("=", 1) for line in
                           Path(f"/proc/{first}/environ").read_text(encoding="utf-8").split("\0") if line)
        with socket.create_server(("127.0.0.1", 0)) as held:
            environment |= {"MAILLAGE_HTTP_PORT": str(held.getsockname()[1])}
        with (self._instance.directory / "logs" / "feedback-second.log").open("w", encoding="utf-8") as log:
            process = subprocess.Popen([os.readlink(f"/proc/{first}/exe"), "serve"], env=environment, stdout=log,
                                       stderr=subprocess.STDOUT)
        try:
            until("the second service has its connections", lambda: True if self._sessions() > 1 else None)
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()

    def let_lead(self, process: int) -> None:
        """Restarts the first service until its relay finds the place taken."""
        for _ in range(ATTEMPTS_MAX):
            if (leader := self.leader()) == process:
                return
            script("services.sh", "restart", "feedback", str(self._instance.directory))
            until("the place is given up", lambda leader=leader: True if self.leader() != leader else None)
        raise Failure("the second service's relay never came to lead")

    def leader(self) -> int:
        """The process whose session holds the relay's lock."""
        def look() -> int | None:
            port = self.leading_port()
            return _owner_of(port) if port else None

        return until("a relay leads", look, 30)

    def leading_port(self) -> int | None:
        """Of the session that holds the relay's lock, on its process' side."""
        ports = sql(self._instance, """
            select a.client_port from pg_locks l join pg_stat_activity a using (pid)
            where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and a.usename = 'maillage_feedback' and
                (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended('maillage.outbox.feedback', 0)""")
        return int(ports[0]) if ports else None

    def wait_until_taken_from(self, port: int | None) -> None:
        def look() -> bool | None:
            return True if self.leading_port() not in (None, port) else None

        until("another relay leads", look, 120, LOOK_EVERY_S)

    def last_position(self) -> int:
        return int(sql(self._instance, "select max(position) from feedback.events")[0])

    def wait_until_published(self, position: int) -> None:
        """Until an event that was committed behind that position has left the outbox."""
        statement = (f"select 1 from feedback.events e where e.position > {position} and not exists "
                     "(select from feedback.outbox o where o.position = e.position) limit 1")
        until("an event is published", lambda: True if sql(self._instance, statement) else None, 120, LOOK_EVERY_S)

    def _sessions(self) -> int:
        return len({_owner_of(int(port)) for port in sql(
            self._instance, "select client_port from pg_stat_activity where usename = 'maillage_feedback'")} - {None})

    def _first(self) -> int:
        return int((self._instance.directory / "run" / "feedback.pid").read_text(encoding="ascii").split()[0])


def _owner_of(port: int) -> int | None:
    """The process that has a connection from this local port."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    inodes = {fields[9] for fields in lines if int(fields[1].rpartition(":")[2], 16) == port}
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(link)[8:-1] in inodes:
                return int(link.parts[2])
        except OSError:
            continue
    return None


def broker_restart(instance: Instance, watcher: Watcher) -> float:
    watcher.wait_until_steady()
    script("servers.sh", "kill-rabbitmq", str(instance.directory))
    script("servers.sh", "mend-rabbitmq", str(instance.directory))
    return watcher.silence_s(_answers_since(instance))


def _answers_since(instance: Instance) -> float:
    """When the broker lets somebody in who was not there before."""
    parameters = pika.URLParameters(instance.publisher_url(PUBLISHER))

    def look() -> float | None:
        try:
            pika.BlockingConnection(parameters).close()
            return time.monotonic()
        except pika.exceptions.AMQPError:
            return None

    return until("the broker answers", look, 120)


def take_over(services: Services, watcher: Watcher, number: signal.Signals) -> float:
    """The leader's process is told nothing but this, and nobody starts it again: what goes on is the other's relay."""
    with services.second() as second:
        services.let_lead(second.pid)
        watcher.wait_until_steady()
        port = services.leading_port()
        second.send_signal(number)
        struck = time.monotonic()
        position = services.last_position()
        services.wait_until_taken_from(port)
        taken = time.monotonic() - struck
        services.wait_until_published(position)
        took = time.monotonic() - struck
        print(f"the place was taken after {taken:.2f} s, an event published after {took:.2f} s", flush=True)
        if services.leader() == second.pid:
            raise Failure("the relay that was struck still leads")
        return took


def measure(instance: Instance, rounds: int) -> int:
    stage = set_the_stage(instance, 1 + STAGE_MINUTES_PER_ROUND * rounds)
    services = Services(instance)
    messages = plain_responses(1, PUBLISHER, (source.place for source in stage.sources))
    stopping = threading.Event()
    figures: dict[str, list[float]] = {}
    with Watcher(instance.publisher_url(PUBLISHER)) as watcher:
        sender = threading.Thread(target=watcher.send, args=(messages, stopping), name="sender")
        sender.start()
        try:
            for number in range(1, rounds + 1):
                told = {"broker started again": broker_restart(instance, watcher),
                        "leader killed": take_over(services, watcher, signal.SIGKILL),
                        "leader stopped": take_over(services, watcher, signal.SIGSTOP)}
                for name, seconds in told.items():
                    figures.setdefault(name, []).append(seconds)
                print(f"round {number}: " + ", ".join(f"{name} {s:.2f} s" for name, s in told.items()), flush=True)
        finally:
            stopping.set()
            sender.join()
    is_good = all(max(seconds) <= SECONDS_MAX for seconds in figures.values())
    print("recovery: " + ", ".join(f"{name} {median(s):.2f} s (most {max(s):.2f})" for name, s in figures.items())
          + (" ok" if is_good else f" FAILED, allowed {SECONDS_MAX:g} s"))
    return 0 if is_good else 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="recovery", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instance", type=Path, default=REPOSITORY / ".local" / "recovery")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    directory: Path = arguments.instance.absolute()
    script("instance.sh", "remove", str(directory))
    try:
        script("instance.sh", "up", str(directory))
        return measure(Instance(directory), arguments.rounds)
    except (Failure, subprocess.SubprocessError) as failure:
        print(f"recovery: FAILED, {failure}")
        return 1
    finally:
        script("instance.sh", "remove", str(directory))


if __name__ == "__main__":
    sys.exit(main())
