"""Nobody reads or writes what is another service's, neither in the database nor on the broker."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pika
import pika.exceptions

from driver.instance import SERVICES
from running_system import RunningSystem

LOG = "events"


class Database(RunningSystem):
    def assert_denied(self, secret: str, statement: str) -> None:
        result = self.sql(secret, statement)
        self.assertNotEqual(result.returncode, 0, f"{secret} may: {statement}")
        self.assertIn("permission denied", result.stderr)

    def test_each_role_is_refused_by_the_other_four_schemas(self) -> None:
        for service in SERVICES:
            for other in SERVICES:
                for kind in ("database", "database-owner"):
                    with self.subTest(role=f"{kind} {service}", schema=other):
                        read = f"select count(*) from {other}.{LOG}"
                        if service == other:
                            self.assertEqual(self.sql(f"{kind}-{service}", read).returncode, 0)
                        else:
                            self.assert_denied(f"{kind}-{service}", read)
                            self.assert_denied(f"{kind}-{service}", f"create table {other}.intruder (id int)")

    def test_what_serves_can_neither_change_nor_delete_the_log(self) -> None:
        for service in SERVICES:
            for statement in (f"update {service}.{LOG} set actor = 'x'", f"delete from {service}.{LOG}",
                              f"truncate {service}.{LOG}", f"drop table {service}.{LOG}",
                              f"create table {service}.mine (id int)", "create table public.mine (id int)",
                              "create schema mine"):
                with self.subTest(service=service, statement=statement):
                    result = self.sql(f"database-{service}", statement)
                    self.assertNotEqual(result.returncode, 0)
                    self.assertRegex(result.stderr, "permission denied|must be owner")


class Broker(RunningSystem):
    def attempt(self, service: str, action: Callable[[Any], object]) -> int:
        url = self.instance.secret(f"broker-url-{service}")
        connection = pika.BlockingConnection(pika.URLParameters(url))
        try:
            action(connection.channel())
            return 0
        except pika.exceptions.ChannelClosedByBroker as error:
            return int(error.reply_code)
        finally:
            if connection.is_open:
                connection.close()

    def test_a_service_writes_to_its_own_exchange_only(self) -> None:
        for service in SERVICES:
            for other in SERVICES:
                with self.subTest(service=service, exchange=other):
                    def publish(channel: Any, other: str = other) -> None:
                        channel.confirm_delivery()
                        channel.basic_publish(f"maillage.{other}", "test.nobody.listens", b"{}")

                    self.assertEqual(self.attempt(service, publish), 0 if service == other else 403)

    def test_a_service_reads_its_own_queue_only_and_configures_nothing(self) -> None:
        for service in SERVICES:
            for other in SERVICES:
                if service != other:
                    with self.subTest(service=service, queue=other):
                        read = partial(read_from, queue=f"maillage.{other}.inbox")
                        self.assertEqual(self.attempt(service, read), 403)
            with self.subTest(service=service):
                self.assertEqual(self.attempt(service, lambda c: c.queue_declare("mine")), 403)
                look = partial(look_at, queue=f"maillage.{service}.inbox")
                self.assertEqual(self.attempt(service, look), 0)


def read_from(channel: Any, queue: str) -> None:
    channel.basic_get(queue)


def look_at(channel: Any, queue: str) -> None:
    channel.queue_declare(queue, passive=True)
