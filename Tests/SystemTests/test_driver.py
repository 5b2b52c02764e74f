"""The driver's own parts: a demo whose measuring tools are wrong proves nothing."""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
import unittest
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pika.spec

from driver.campaign import CampaignResult, Outcomes
from driver.figures import compare, receipt_mismatches, receipt_totals
from driver.instance import Failure
from driver.outside_system import Outgoing, OutsideSystem
from driver.programme_table import aligned, euros
from driver.tokens import mint, raw_signature


class Tokens(unittest.TestCase):
    def test_a_token_verifies_under_the_public_key(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            key, public = Path(folder) / "key.pem", Path(folder) / "public.pem"
            run = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(key)]
            subprocess.run(run, check=True, capture_output=True)
            subprocess.run(["openssl", "pkey", "-in", str(key), "-pubout", "-out", str(public)], check=True,
                           capture_output=True)
            # A leading zero in r or s occurs in one of 128 signatures.
            for number in range(40):
                token = mint(key, f"subject-{number}", ["operator"], "990000011")
                self.assertTrue(self.verifies(token, public), token)

    def verifies(self, token: str, public: Path) -> bool:
        signed, _, signature = token.rpartition(".")
        raw = base64.urlsafe_b64decode(signature + "==")
        self.assertEqual(len(raw), 64)
        der = public.with_name("signature.der")
        der.write_bytes(sequence(raw[:32], raw[32:]))
        result = subprocess.run(["openssl", "dgst", "-sha256", "-verify", str(public), "-signature", str(der)],
                                input=signed.encode(), capture_output=True, check=False)
        claims = json.loads(base64.urlsafe_b64decode(signed.split(".")[1] + "=="))
        return result.returncode == 0 and claims["roles"] == ["operator"]

    def test_short_numbers_are_padded(self) -> None:
        self.assertEqual(raw_signature(bytes.fromhex("3007020101020200ff")), bytes(31) + b"\x01" + bytes(31) + b"\xff")

    def test_anything_else_is_no_signature(self) -> None:
        for text in ("", "3000", "300702010102020000ff", "0207020101020200ff"):
            with self.assertRaises((Failure, IndexError)):
                raw_signature(bytes.fromhex(text))


def sequence(*numbers: bytes) -> bytes:
    def integer(number: bytes) -> bytes:
        short = number.lstrip(b"\0") or b"\0"
        padded = b"\0" + short if short[0] >= 0x80 else short
        return b"\x02" + bytes([len(padded)]) + padded

    body = b"".join(map(integer, numbers))
    return b"\x30" + bytes([len(body)]) + body


class Comparison(unittest.TestCase):
    def test_a_missing_a_wrong_and_an_unexpected_figure_are_all_told(self) -> None:
        found = compare({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 9, "d": 4})
        self.assertEqual([str(m) for m in found], ["b: expected 2, found 9", "c: expected 3, found None",
                                                   "d: expected None, found 4"])

    def test_a_receipt_that_is_missing_or_says_something_else_is_told(self) -> None:
        expected: dict[str, Outcomes] = {"p/1": Counter({("accepted", None): 1}), "p/2": Counter({("refused", "too-large"): 1}),
                    "p/3": Counter({("accepted", None): 1})}
        told: dict[str, Outcomes] = {"p/1": Counter({("accepted", None): 2}), "p/2": Counter({("refused", "answers-count"): 1}),
                "p/4": Counter({("accepted", None): 1})}
        result = CampaignResult(told, expected, published=3, sent_again=0, seconds=1)
        self.assertEqual([m.figure for m in receipt_mismatches(result)],
                         ["receipts of p/2", "receipts of p/3", "receipts of p/4"])
        self.assertEqual(receipt_totals(result), {"accepted": 1})

    def test_a_repetition_may_be_called_a_duplicate_only_if_something_came_twice(self) -> None:
        expected: dict[str, Outcomes] = {"p/1": Counter({("accepted", None): 1})}
        told: dict[str, Outcomes] = {"p/1": Counter({("accepted", None): 1, ("duplicate", None): 1})}
        again = CampaignResult(told, expected, published=1, sent_again=1, seconds=1)
        once = CampaignResult(told, expected, published=1, sent_again=0, seconds=1)
        cut = CampaignResult(told, expected, published=1, sent_again=0, seconds=1, was_cut=True)
        self.assertEqual([len(receipt_mismatches(result)) for result in (again, once, cut)], [0, 1, 0])

    def test_a_repetition_of_what_was_refused_is_a_duplicate_with_the_same_reason(self) -> None:
        expected: dict[str, Outcomes] = {"p/1": Counter({("refused", "too-large"): 1})}
        same, other = (Counter({("refused", "too-large"): 1, ("duplicate", reason): 1}) for reason in ("too-large", "schema"))
        results = [CampaignResult({"p/1": told}, expected, published=1, sent_again=0, seconds=1, was_cut=True)
                   for told in (same, other)]
        self.assertEqual([len(receipt_mismatches(result)) for result in results], [0, 1])


class Publishing(unittest.TestCase):
    """The outside system over a channel that only notes what it is given."""

    def setUp(self) -> None:
        self.sent: list[bytes] = []
        self.system = OutsideSystem("amqp://localhost", "p")
        self.channel = SimpleNamespace(is_open=True, basic_publish=self.publish, basic_ack=lambda _: None)
        self.system._ready(self.channel, None)

    def publish(self, _exchange: str, _key: str, body: bytes, _properties: Any, mandatory: bool) -> None:
        self.assertTrue(mandatory)
        self.sent.append(body)

    def send(self, *messages: Outgoing) -> None:
        self.system.publish(messages)
        self.system._pump()

    def confirm(self, tag: int) -> None:
        self.system._settled(SimpleNamespace(method=pika.spec.Basic.Ack(delivery_tag=tag)))

    def tell(self, identity: str, outcome: str) -> None:
        body = json.dumps({"data": {"receipts": [{"id": identity, "outcome": outcome}]}}).encode()
        self.system._received(self.channel, SimpleNamespace(delivery_tag=1), None, body)

    def test_what_refers_to_another_message_waits_until_the_broker_has_that_one(self) -> None:
        self.send(Outgoing("1", b"first"), Outgoing("2", b"second", follows="1"), Outgoing("3", b"third"))
        self.assertEqual(self.sent, [b"first"])
        self.confirm(1)
        self.assertEqual(self.sent, [b"first", b"second", b"third"])

    def test_where_the_order_settles_who_is_right_the_first_answer_is_awaited(self) -> None:
        self.send(Outgoing("1", b"first"), Outgoing("1", b"second", follows="1", is_settled_by_order=True))
        self.confirm(1)
        self.tell("1", "waiting")
        self.assertEqual(self.sent, [b"first"])
        self.tell("1", "accepted")
        self.assertEqual(self.sent, [b"first", b"second"])


class Table(unittest.TestCase):
    def test_money_is_written_as_in_french_print(self) -> None:
        self.assertEqual(euros(115_000_001), "1\u202f150\u202f000,01\u202f€")
        self.assertEqual(euros(-5), "-0,05\u202f€")

    def test_columns_are_aligned(self) -> None:
        self.assertEqual(aligned([("a", "1"), ("bcd", "200")]), ["  a      1", "  bcd  200"])
