"""A message that the broker gives up on in the running system: it reaches the table, and an operator settles it."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import pika

from driver.instance import REPOSITORY
from driver.waiting import until
from running_system import RunningSystem

BINARIES = Path(os.environ.get("MAILLAGE_BINARIES", REPOSITORY / ".build" / "debug"))
PEOPLE = ("--by", "Anne Durand", "--second", "Marc Petit", "--reason", "the service was mended")


class DeadLetters(RunningSystem):
    def setUp(self) -> None:
        password, port = self.instance.secret("rabbitmq-password"), self.instance.fact("RABBITMQ_PORT")
        parameters = pika.URLParameters(f"amqp://administrator:{password}@127.0.0.1:{port}/maillage")
        self.connection = pika.BlockingConnection(parameters)
        self.addCleanup(self.connection.close)
        self.channel = self.connection.channel()
        self.channel.confirm_delivery()
        self.experiment = str(uuid.uuid4())

    # MARK: Steps

    def event(self, sequence: int, kind: str, data: dict[str, Any]) -> tuple[str, bytes]:
        name, identity = f"experimentation.experiment.{kind}.v1", str(uuid.uuid4())
        envelope = {"specversion": "1.0", "id": identity, "source": "/maillage/experimentation", "type": name,
                    "subject": self.experiment, "time": "2026-01-05T09:00:00.000Z", "correlationid": identity,
                    "sequence": sequence, "data": {"experiment": self.experiment, **data}}
        return identity, json.dumps(envelope).encode()

    def registered(self) -> tuple[str, bytes]:
        ids = {name: str(uuid.uuid4()) for name in ("site", "agreement", "solution")}
        return self.event(1, "registered", {**ids, "budgetCents": 40_000_000, "participantsTarget": 100})

    def counted(self, sequence: int = 2) -> tuple[str, bytes]:
        """Of a type that funding does not know and only counts."""
        return self.event(sequence, "suspended", {"suspendedAt": "2026-01-05T09:00:00.000Z"})

    def give_up_on(self, body: bytes) -> None:
        """Lets a consumer return the message more often than its queue allows, as a process does that it ends."""
        queue = f"test-{uuid.uuid4()}"
        self.channel.queue_declare(queue, durable=True, arguments={
            "x-queue-type": "quorum", "x-delivery-limit": 1, "x-dead-letter-exchange": "maillage.dead",
            "x-dead-letter-routing-key": "funding", "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish"})
        self.addCleanup(self.channel.queue_delete, queue)
        self.channel.basic_publish("", queue, body, pika.BasicProperties(delivery_mode=2))
        for _ in range(2):
            tag = until("the message comes back", lambda: self.take(queue))
            self.channel.basic_nack(tag, requeue=True)

    def take(self, queue: str) -> int | None:
        method, _, _ = self.channel.basic_get(queue)
        return None if method is None else method.delivery_tag

    def deliver(self, body: bytes) -> None:
        self.channel.basic_publish("", "maillage.funding.inbox", body, pika.BasicProperties(delivery_mode=2))

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "MAILLAGE_CLOCK_OFFSET_FILE": str(self.instance.clock_path),
            "MAILLAGE_DATABASE_URL_FILE": str(self.instance.secret_path("database-url-funding"))}
        return subprocess.run([str(BINARIES / "funding"), "dead-letters", *arguments], env=environment,
                              capture_output=True, text=True, timeout=60, check=False, cwd="/")

    def objects(self, *arguments: str) -> list[dict[str, Any]]:
        result = self.command(*arguments, "--json")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return [json.loads(line) for line in result.stdout.splitlines()]

    def ask(self, statement: str) -> str:
        result = self.sql("database-funding", statement)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.strip()

    def letter_of(self, identity: str) -> str:
        return until("the message is in the table", lambda: self.ask(
            f"select id from funding.dead_letters where event_id = '{identity}'") or None)

    def place(self) -> str:
        """How far funding is with the experiment, and which of its events is dead: `1|2`."""
        return self.ask("select last_sequence, dead_sequence from funding.inbox_order where stream = 'experiment'"
                        f" and subject = '{self.experiment}'")

    def effects(self) -> str:
        return self.ask(f"select count(*) from funding.experiments where experiment = '{self.experiment}'")

    # MARK: Tests

    def test_it_is_listed_rehearsed_and_retried_by_two_people(self) -> None:
        identity, body = self.registered()
        self.give_up_on(body)
        letter = self.letter_of(identity)
        self.deliver(self.counted()[1])
        parked = f"select waits_for from funding.inbox_parked where subject = '{self.experiment}'"
        until("the next event waits", lambda: self.ask(parked) or None)
        self.assertEqual(self.ask(parked), "dead-predecessor")
        self.assertEqual(self.place(), "0|1")

        groups = [g for g in self.objects("list", "--examples", "20") if g["class"] == "delivery-limit"]
        examples = [e for g in groups for e in g["examples"] if str(e["id"]) == letter]
        self.assertIn(self.experiment, examples[0]["words"]["fr"])
        self.assertIn("link to the agreement: registration of experiment", examples[0]["words"]["en"])
        shown = self.command("show", letter)
        self.assertIn("delivery_limit in test-", shown.stdout)
        self.assertNotIn("participantsTarget", shown.stdout)

        [rehearsed] = self.objects("retry", letter, "--dry-run")
        self.assertEqual((rehearsed["outcome"], rehearsed["followers"], self.place()), ("applied", 1, "0|1"))
        for people, word in (((), "--by is missing"), ((*PEOPLE[:3], "anne DURAND", *PEOPLE[4:]), "same person")):
            refused = self.command("retry", letter, *people)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn(word, refused.stderr)
        [result] = self.objects("retry", letter, *PEOPLE)
        self.assertEqual((result["outcome"], result["followers"], self.place()), ("applied", 1, "2|"))

        again = self.command("retry", letter, *PEOPLE, "--language", "fr")
        self.assertEqual(again.returncode, 1)
        self.assertIn("déjà réglé", again.stdout)
        [told] = self.objects("show", letter)
        self.assertEqual(told["state"], "retried")
        self.assertEqual([act["outcome"] for act in told["acts"]], ["settled-before", "applied"])
        self.deliver(body)
        self.deliver(self.counted(3)[1])
        until("the subject goes on", lambda: self.place() == "3|" or None)
        self.assertEqual(self.effects(), "1")

    def test_it_is_dropped_and_what_waited_goes_on(self) -> None:
        identity, body = self.registered()
        self.give_up_on(body)
        letter = self.letter_of(identity)
        self.deliver(self.counted()[1])
        until("the next event waits", lambda: self.ask(
            f"select 1 from funding.inbox_parked where subject = '{self.experiment}'") or None)
        [result] = self.objects("drop", letter, *PEOPLE)
        self.assertEqual((result["outcome"], result["followers"], self.place()), ("dropped", 1, "2|"))
        self.assertEqual(self.effects(), "0")

    def test_who_looks_at_a_body_is_noted_for_ever(self) -> None:
        identity, body = self.registered()
        self.give_up_on(body)
        letter = self.letter_of(identity)
        self.assertNotEqual(self.command("show", letter, "--body").returncode, 0)
        shown = self.command("show", letter, "--body", "--by", "Anne Durand", "--reason", "to see why")
        self.assertIn(body.decode(), shown.stdout)
        self.assertEqual(self.ask(f"select act, by_name from funding.dead_letter_acts where dead_letter = {letter}"),
                         "show-body|Anne Durand")
        for statement in ("update funding.dead_letter_acts set by_name = 'x'", "delete from funding.dead_letter_acts",
                          "truncate funding.dead_letter_acts"):
            self.assertIn("permission denied", self.sql("database-funding", statement).stderr)
        gauge = 'dead_letters_open{class="delivery-limit"}'
        until("the gauge counts it", lambda: True if any(
            line.startswith(gauge) and float(line.split()[-1]) >= 1 for line in self.metrics()) else None, 30)
        self.objects("drop", letter, *PEOPLE)

    def metrics(self) -> list[str]:
        with urllib.request.urlopen(f"{self.instance.url('funding')}/metrics", timeout=10) as answer:
            return answer.read().decode().splitlines()
