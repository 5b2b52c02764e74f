"""A publisher's life at the real broker: registered over HTTP, let in, rotated without a gap, retired, suspended, resumed.
No server is touched by hand."""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
from typing import Any

import pika
import pika.exceptions

from driver.http_api import Answer
from driver.instance import REPOSITORY
from driver.waiting import until
from running_system import RunningSystem
from test_hostile_feedback import event

STRUCTURED = {"Content-Type": "application/cloudevents+json"}


class Publishers(RunningSystem):
    def setUp(self) -> None:
        self.name = f"t-{secrets.token_hex(6)}"
        self.path = f"/v1/publishers/{self.name}"
        terms = {"publisher": self.name, "organisation": "Essai", "contact": "personne@example", "queueBytes": 65536}
        self.api.call(self.operator, "feedback", "POST", "/v1/publishers", terms)
        self.addCleanup(self.suspend)

    def suspend(self) -> None:
        self.api.call(self.operator, "feedback", "POST", f"{self.path}/suspension", {"reason": "end of test"})

    def rotate(self, **terms: int) -> dict[str, Any]:
        credential = self.api.call(self.operator, "feedback", "POST", f"{self.path}/credentials", terms).body
        self.provisioned()
        return dict(credential)

    def provisioned(self) -> None:
        until("the broker is as the row says",
              lambda: self.api.get(self.operator, "feedback", self.path).body["isProvisioned"] or None)

    def connect(self, credential: dict[str, Any]) -> pika.BlockingConnection:
        url = self.instance.publisher_url("telesuivi")
        address = url.rpartition("@")[2]
        connection = pika.BlockingConnection(
            pika.URLParameters(f"amqp://{credential['user']}:{credential['password']}@{address}"))
        self.addCleanup(lambda: connection.is_open and connection.close())
        return connection

    def publish(self, connection: pika.BlockingConnection) -> str:
        """One event by AMQP, confirmed; its receipt is waited for."""
        body = event()
        channel = connection.channel()
        channel.confirm_delivery()
        channel.basic_publish(f"feedback.in.{self.name}", "", json.dumps(body).encode(),
                              pika.BasicProperties(content_type="application/cloudevents+json", delivery_mode=2),
                              mandatory=True)

        def receipt() -> str | None:
            _, _, message = channel.basic_get(f"feedback.receipts.{self.name}", auto_ack=True)
            receipts = json.loads(message)["data"]["receipts"] if message else []
            return next((r["outcome"] for r in receipts if r["id"] == body["id"]), None)

        return until("the receipt comes", receipt)

    def post(self, credential: dict[str, Any], body: Any) -> Answer:
        pair = base64.b64encode(f"{credential['user']}:{credential['password']}".encode()).decode()
        return self.api.exchange(None, "feedback", "POST", "/v1/events", json.dumps(body).encode(),
                                 headers=STRUCTURED | {"Authorization": f"Basic {pair}"})

    def is_refused(self, credential: dict[str, Any]) -> bool:
        try:
            self.connect(credential).close()
        except pika.exceptions.ProbableAuthenticationError:
            return True
        except pika.exceptions.AMQPConnectionError:
            return True
        return False

    def test_one_credential_opens_both_doors_and_nobody_elses(self) -> None:
        credential = self.rotate()
        connection = self.connect(credential)
        self.assertEqual(self.publish(connection), "waiting")
        body = event()
        self.assertEqual(self.post(credential, body).body["outcome"], "waiting")
        self.assertEqual(self.post(credential, body).body["outcome"], "duplicate")
        self.assertEqual(self.post(credential | {"password": "wrong"}, body).status, 401)
        with self.assertRaises(pika.exceptions.ChannelClosedByBroker) as refused:
            channel = connection.channel()
            channel.basic_publish("feedback.in.telesuivi", "", b"{}")
            channel.basic_get(f"feedback.receipts.{self.name}")
        self.assertEqual(refused.exception.reply_code, 403)

    def test_a_rotation_cuts_nothing_and_retiring_cuts_at_once(self) -> None:
        first = self.rotate()
        connection = self.connect(first)
        self.publish(connection)
        second = self.rotate(overlapHours=1)
        self.assertEqual(self.publish(connection), "waiting")
        self.publish(self.connect(second))
        self.api.call(self.operator, "feedback", "DELETE", f"{self.path}/credentials/1")
        self.provisioned()
        until("the old credential is refused", lambda: self.is_refused(first) or None)
        with self.assertRaises((pika.exceptions.AMQPError, OSError)):
            for _ in range(20):
                self.publish(connection)
        self.assertEqual(self.post(first, event()).status, 401)
        self.assertEqual(self.publish(self.connect(second)), "waiting")

    def test_a_suspension_closes_every_door_until_it_is_lifted(self) -> None:
        credential = self.rotate()
        connection = self.connect(credential)
        self.publish(connection)
        self.suspend()
        self.provisioned()
        self.assertEqual(self.post(credential, event()).status, 401)
        with self.assertRaises((pika.exceptions.AMQPError, OSError)):
            for _ in range(20):
                self.publish(connection)
        self.assertTrue(self.is_refused(credential))
        self.api.call(self.operator, "feedback", "DELETE", f"{self.path}/suspension")
        self.provisioned()
        self.assertEqual(self.publish(self.connect(credential)), "waiting")

    def test_a_full_queue_refuses_and_loses_nothing(self) -> None:
        """The quota is the publisher's own: 64 KiB here."""
        credential = self.rotate()
        channel = self.connect(credential).channel()
        channel.confirm_delivery()
        sent = refused = 0
        for _ in range(400):
            body = json.dumps(event(padding="x" * 30_000)).encode()
            try:
                channel.basic_publish(f"feedback.in.{self.name}", "", body, mandatory=True)
                sent += 1
            except pika.exceptions.NackError:
                refused += 1
        self.assertGreater(sent, 0)

        def receipts() -> int | None:
            count = 0
            while (got := channel.basic_get(f"feedback.receipts.{self.name}", auto_ack=True))[0]:
                count += len(json.loads(got[2])["data"]["receipts"])
            self.seen = getattr(self, "seen", 0) + count
            return self.seen if self.seen >= sent else None

        self.assertEqual(until("every confirmed event has its receipt", receipts), sent)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(REPOSITORY / "deploy" / "local" / "services.sh"), "run", "feedback", "publishers", *arguments,
             str(self.instance.directory)], capture_output=True, text=True, timeout=60, check=False)

    def test_the_command_line_sends_samples_and_explains_each_receipt(self) -> None:
        address = self.instance.publisher_url("telesuivi").rpartition("@")[2]
        tried = ["test", "--feedback", self.instance.url("feedback"), "--user", "telesuivi.1", "--broker",
                 f"amqp://{address}", "--password-file"]
        good = self.command(*tried, str(self.instance.secret_path("publisher-telesuivi")))
        self.assertEqual(good.returncode, 0, good.stdout + good.stderr)
        self.assertIn("all as it should be", good.stdout)
        self.assertEqual(good.stdout.count("ok  "), 8, good.stdout)
        bad = self.command(*tried, str(self.instance.secret_path("publisher-enquetes")))
        self.assertNotEqual(bad.returncode, 0)
        self.assertIn("user or password is wrong", bad.stderr)

    def test_the_command_line_lists(self) -> None:
        listed = self.command("list")
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertIn(self.name, listed.stdout)
        self.assertIn("telesuivi.1", listed.stdout)
