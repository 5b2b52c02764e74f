"""Bad messages over AMQP: each gets a receipt with a reason and a quarantined copy, and the queue never blocks."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pika
import pika.exceptions

from driver.outside_system import Outgoing, OutsideSystem
from driver.waiting import until
from running_system import RunningSystem

PUBLISHER = "telesuivi"


def event(**changes: Any) -> dict[str, Any]:
    """A response that nothing is wrong with, but for its experiment, which nobody knows."""
    data = {"experiment": str(uuid.uuid4()), "participant": "0000ZZZZ0000", "instrument": "NPS", "occasion": "M1",
            "answers": [9]} | changes.pop("data", {})
    return {"specversion": "1.0", "id": f"hostile-{uuid.uuid4()}", "source": "https://telesuivi.example/hostile",
            "type": "maillage.response.submitted.v1", "time": "2026-01-05T09:00:00Z", "data": data} | changes


# Bodies that cannot be read: their receipts carry no identity.
UNREADABLE = {
    "empty": b"", "random": bytes(range(256)) * 20, "cut": json.dumps(event()).encode()[:-20],
    "not utf-8": b'{"specversion":"1.0","id":"\xff\xfe"}', "a list": b"[]", "a number": b"7", "null": b"null",
    "deep": b"[" * 30_000 + b"]" * 30_000, "nul in text": b'{"specversion":"1.0","id":"a\\u0000b"}',
    "too large": json.dumps(event(padding="x" * 70_000)).encode(), "a mebibyte": b" " * 1_048_576,
}

# Bodies that can be read and are refused for what they say.
REFUSED = {
    "no type": event(type=...), "another version": event(specversion="2.0"), "a time that is none": event(time="now"),
    "data that is no object": event(data={}) | {"data": "text"},
    "an unknown instrument": event(data={"instrument": "EQ5D"}), "too many answers": event(data={"answers": [1, 2]}),
    "a text for an answer": event(data={"answers": ["nine"]}), "an answer beyond": event(data={"answers": [11]}),
    "an answer below": event(data={"answers": [-1]}), "an endless answer": event(data={"answers": [10**30]}),
    "an endless comment": event(data={"comment": "é" * 4_001}),
    "an experiment that is no id": event(data={"experiment": "'; drop table responses; --"}),
    "a tomorrow": event(time="2999-01-01T00:00:00Z"), "itself amended": event(type="maillage.response.amended.v1"),
}


class HostileMessages(RunningSystem):
    def setUp(self) -> None:
        self.system = self.enterContext(OutsideSystem(self.instance.publisher_url(PUBLISHER), PUBLISHER))

    def send(self, bodies: list[tuple[str, bytes]]) -> None:
        self.system.publish(Outgoing(identity, body) for identity, body in bodies)
        self.system.wait_until_confirmed(30)

    def assert_still_read(self) -> None:
        """A well-formed message gets its answer: it waits for an experiment that may yet come."""
        probe = event()
        self.send([(probe["id"], json.dumps(probe).encode())])
        self.system.wait_for_receipts({probe["id"]: 1}, 30)
        self.assertEqual([r.outcome for r in self.system.receipts()[probe["id"]]], ["waiting"])

    def test_what_cannot_be_read_is_answered_and_kept(self) -> None:
        before = len(self.system.receipts().get("", ()))
        self.send([("", body) for body in UNREADABLE.values()])
        self.system.wait_for_receipts({"": before + len(UNREADABLE)}, 60)
        for receipt in self.system.receipts()[""]:
            self.assertEqual(receipt.outcome, "refused")
            self.assertTrue(receipt.reason)
        self.assert_still_read()

    def test_what_is_wrong_is_told_with_a_way_to_mend_it(self) -> None:
        bodies = {name: {k: v for k, v in body.items() if v is not ...} for name, body in REFUSED.items()}
        self.send([(b["id"], json.dumps(b).encode()) for b in bodies.values()])
        self.system.wait_for_receipts({b["id"]: 1 for b in bodies.values()}, 60)
        receipts = self.system.receipts()
        for name, body in bodies.items():
            with self.subTest(case=name):
                told = receipts[body["id"]]
                self.assertEqual([r.outcome for r in told], ["refused"])
                self.assertTrue(told[0].reason and told[0].mend, told)
        self.assert_still_read()

    def test_a_thousand_broken_ones_between_good_ones_lose_none_of_the_good(self) -> None:
        good = [event() for _ in range(50)]
        bodies = []
        for number in range(1_000):
            bodies.append(("", b"%d broken" % number))
            if number % 20 == 0:
                probe = good[number // 20]
                bodies.append((probe["id"], json.dumps(probe).encode()))
        before = len(self.system.receipts().get("", ()))
        self.send(bodies)
        self.system.wait_for_receipts({probe["id"]: 1 for probe in good} | {"": before + 1_000}, 60)

    def test_refused_messages_are_in_quarantine(self) -> None:
        body = event(data={"instrument": f"X{uuid.uuid4().hex[:8]}"})
        self.send([(body["id"], json.dumps(body).encode())])
        self.system.wait_for_receipts({body["id"]: 1}, 30)

        def kept() -> bool | None:
            page = self.api.get(self.operator, "feedback", f"/v1/quarantine?publisher={PUBLISHER}&limit=200").body
            return True if any(body["id"] in json.dumps(item) for item in page["items"]) else None

        until("the refused message is in quarantine", kept, 20)


class HostileHeaders(RunningSystem):
    """What a client library would not let you send: tables in tables, empty names, other people's routing keys."""

    def setUp(self) -> None:
        parameters = pika.URLParameters(self.instance.publisher_url(PUBLISHER))
        self.connection = pika.BlockingConnection(parameters)
        self.addCleanup(lambda: self.connection.is_open and self.connection.close())
        self.channel = self.connection.channel()
        self.channel.confirm_delivery()

    def publish(self, headers: dict[str, Any], **properties: Any) -> str:
        """Returns the event's identity."""
        body = event()
        self.channel.basic_publish(f"feedback.in.{PUBLISHER}", "", json.dumps(body).encode(),
                                   pika.BasicProperties(headers=headers, **properties))
        return str(body["id"])

    def test_headers_of_any_shape_stop_nobody(self) -> None:
        deep: dict[str, Any] = {}
        for _ in range(300):
            deep = {"n": deep}
        refused: tuple[dict[str, Any], ...] = (
            deep, {"": "empty name"}, {"list": [[[[[]]]]]}, {"big": "z" * 60_000},
            {"CC": ["feedback.in.enquetes"], "BCC": ["feedback.dead"]}, {f"h{n}": n for n in range(1_000)})
        harmless: tuple[dict[str, Any], ...] = ({"x" * 255: "y"}, {"ce-id": "\0"}, {"x-death": "nonsense"})
        expected = {self.publish(headers): ("refused", "malformed-headers") for headers in refused}
        expected |= {self.publish(headers): ("waiting", None) for headers in harmless}
        odd = self.publish({}, content_type="text/plain", message_id="m" * 200, type="t" * 200, app_id="a")
        expected[odd] = ("waiting", None)
        with OutsideSystem(self.instance.publisher_url(PUBLISHER), PUBLISHER) as system:
            system.wait_for_receipts(dict.fromkeys(expected, 1), 30)
            told = {identity: (receipts[0].outcome, receipts[0].reason)
                    for identity, receipts in system.receipts().items() if identity in expected}
        self.assertEqual(told, expected)
        self.assert_alive("feedback")

    def test_somebody_elses_name_is_refused_by_the_broker(self) -> None:
        with self.assertRaises(pika.exceptions.ChannelClosedByBroker):
            self.publish({}, user_id="administrator")


class Fences(RunningSystem):
    """A publisher may write to its own exchange and read its own receipts. Nothing else."""

    def attempt(self, action: Any) -> int:
        connection = pika.BlockingConnection(pika.URLParameters(self.instance.publisher_url(PUBLISHER)))
        try:
            channel = connection.channel()
            channel.confirm_delivery()
            action(channel)
            return 0
        except pika.exceptions.ChannelClosedByBroker as error:
            return int(error.reply_code)
        finally:
            if connection.is_open:
                connection.close()

    def test_everything_else_is_refused(self) -> None:
        forbidden = {
            "another publisher's exchange": lambda c: c.basic_publish("feedback.in.enquetes", "", b"x"),
            "a queue by its name": lambda c: c.basic_publish("", "feedback.receipts.enquetes", b"x"),
            "another publisher's receipts": lambda c: c.basic_get("feedback.receipts.enquetes"),
            "its own intake": lambda c: c.basic_get(f"feedback.in.{PUBLISHER}"),
            "the dead letters": lambda c: c.basic_get("feedback.dead"),
            "a queue of its own": lambda c: c.queue_declare("mine"),
            "an exchange of its own": lambda c: c.exchange_declare("mine"),
            "the end of its intake": lambda c: c.queue_delete(f"feedback.in.{PUBLISHER}"),
        }
        for name, action in forbidden.items():
            with self.subTest(attempt=name):
                self.assertEqual(self.attempt(action), 403)

    def test_the_services_virtual_host_is_closed(self) -> None:
        url = self.instance.publisher_url(PUBLISHER).replace("/outside", "/maillage")
        with self.assertRaises(pika.exceptions.AMQPConnectionError):
            pika.BlockingConnection(pika.URLParameters(url))

    def test_the_fifth_connection_is_refused(self) -> None:
        parameters = pika.URLParameters(self.instance.publisher_url(PUBLISHER))
        connections = []
        try:
            with self.assertRaises(pika.exceptions.AMQPConnectionError):
                for _ in range(6):
                    connections.append(pika.BlockingConnection(parameters))
        finally:
            for connection in connections:
                connection.close()
