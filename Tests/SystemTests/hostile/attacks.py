"""python3 -m hostile.attacks --instance DIRECTORY --seed N --malformed COUNT

Everything that a publisher with valid credentials may think of, in one process beside the run, so that what it costs
to send and to read the receipts is not paid by who measures. Ends when every message that was taken has its receipt.
Prints one JSON line: per attack how often it was tried, what became of it in the broker's words, and the receipts.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pika import frame, spec

from driver.instance import Instance
from driver.outside_system import OutsideSystem, Receipt
from driver.waiting import until

from .names import ATTACKER, LET_PASS, NEIGHBOUR
from .wire import CHANNEL, FRAME_BYTES_MAX, Refused, Wire, publication

OWN = f"feedback.in.{ATTACKER}"
OTHERS = f"feedback.in.{NEIGHBOUR}"
RECEIPT_QUEUES = [f"feedback.receipts.{NEIGHBOUR}", f"feedback.receipts.{ATTACKER}"]
BODY_BYTES_MAX = 65_536
MESSAGE_BYTES_MAX = 1_048_576
FLOOD_BYTES = 60_000
FLOOD_COUNT = 2_500
FENCES_TRIED, BROKEN_OFF = 5, 20
ANSWERED_WITHIN_S = 120.0

Message = tuple[dict[str, Any] | None, bytes]


# MARK: Malformed messages

def event(dice: random.Random, **data: Any) -> dict[str, Any]:
    answer = {"experiment": str(uuid.UUID(int=dice.getrandbits(128), version=4)), "participant": "0000ZZZZ0000",
              "instrument": "NPS", "occasion": "W1", "answers": [9]}
    return {"specversion": "1.0", "id": f"attack-{dice.getrandbits(64):016x}",
            "source": f"https://{ATTACKER}.example/x",
            "type": "maillage.response.submitted.v1", "time": "2023-01-05T09:00:00Z", "data": answer | data}


def text(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def nested(depth: int) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    for _ in range(depth):
        headers = {"n": headers}
    return headers


def malformed(dice: random.Random) -> dict[str, Callable[[], Message]]:
    """By kind; each call makes another one."""
    return {
        "headers in headers": lambda: (nested(dice.randint(17, 120)), text(event(dice))),
        "headers without a name": lambda: ({"": "x", "a": 1}, text(event(dice))),
        "carbon copies (CC, BCC)": lambda: (
            {"CC": [OTHERS, *RECEIPT_QUEUES], "BCC": [OTHERS, *RECEIPT_QUEUES]}, text(event(dice))),
        "oversized body": lambda: (None, text(event(dice) | {"padding": "x" * BODY_BYTES_MAX})),
        "truncated body": lambda: (None, text(event(dice))[:-dice.randint(1, 120)]),
        "UTF-16": lambda: (None, json.dumps(event(dice)).encode("utf-16")),
        "Latin-1": lambda: (None, json.dumps(event(dice, comment="é" * 9), ensure_ascii=False).encode("latin-1")),
        "NUL in a name": lambda: (None, text(event(dice) | {"id": f"a\0{dice.random()}"})),
        "random bytes": lambda: (None, dice.randbytes(dice.randint(1, 600))),
        "an array, very deep": lambda: (None, b"[" * 5_000 + b"]" * 5_000),
        "repeated members": lambda: (None, text(event(dice))[:-1] + b',"id":"twice"}'),
        "answers that are none": lambda: (None, text(event(dice, answers=[dice.choice(["nine", {}, [], 1e300])]))),
        "another type": lambda: (None, text(event(dice) | {"type": "maillage.response.deleted.v1"})),
        "an id that is SQL": lambda: (None, text(event(dice, experiment="'; drop table responses; --"))),
    }


RARE = {"oversized body", "an array, very deep"}
"""Each of them is as heavy as a hundred others."""


def malformed_messages(dice: random.Random, count: int, sent: Counter[str]) -> Iterator[Message]:
    makers = malformed(dice)
    often = [kind for kind in makers if kind not in RARE]
    for number in range(count):
        kind = dice.choice(sorted(RARE)) if number % 50 == 0 else often[number % len(often)]
        sent[kind] += 1
        yield makers[kind]()


# MARK: What the broker itself has to refuse

def tried(count: int, attempt: Callable[[], None]) -> Counter[str]:
    """What the broker said. Whatever is no refusal, a silence too, is one that was let pass."""
    told: Counter[str] = Counter()
    for _ in range(count):
        try:
            attempt()
            told[LET_PASS] += 1
        except Refused as refused:
            told[f"{refused.code} {refused.text.partition(' - ')[0]}"] += 1
        except (ConnectionResetError, BrokenPipeError):
            told["connection ended"] += 1
        except TimeoutError:
            told[LET_PASS] += 1
    return told


def connected(url: str) -> Wire:
    """As soon as there is room: the broker needs a moment to see that a connection was broken off, and takes four."""
    def attempt() -> Wire | None:
        try:
            return Wire(url)
        except Refused as refused:
            if refused.code != spec.NOT_ALLOWED:
                raise
            return None

    return until("the broker has room for a connection", attempt, 30)


def into(url: str, exchange: str, key: str, headers: dict[str, Any] | None = None) -> Callable[[], None]:
    def attempt() -> None:
        with connected(url) as wire:
            wire.write(publication(exchange, headers, b"x", key))
            wire.call(spec.Basic.Qos(prefetch_count=1), spec.Basic.QosOk)
    return attempt


def too_large_for_the_broker(url: str) -> Callable[[], None]:
    def attempt() -> None:
        with connected(url) as wire:
            wire.write(publication(OWN, None, b" " * (MESSAGE_BYTES_MAX + 1)))
            wire.listen()
    return attempt


def wrong_frame(url: str) -> Callable[[], None]:
    def attempt() -> None:
        with connected(url) as wire:
            whole = bytearray(publication(OWN, None, b"x" * 100))
            whole[-1] = 0  # the mark of a frame's end
            wire.write(bytes(whole))
            wire.listen()
    return attempt


def huge_frame(url: str) -> Callable[[], None]:
    def attempt() -> None:
        with connected(url) as wire:
            wire.write(frame.Method(CHANNEL, spec.Basic.Publish(exchange=OWN)).marshal())
            wire.write(frame.Body(CHANNEL, b"x" * (FRAME_BYTES_MAX * 2)).marshal())
            wire.listen()
    return attempt


def break_off_in_a_body(url: str) -> None:
    """The header promises more than ever comes: such a message was never published."""
    wire = connected(url)
    whole = publication(OWN, None, b"x" * 4_000)
    wire.write(whole[:-2_000])
    wire.break_off()


def fences(url: str) -> dict[str, Counter[str]]:
    copies = {"CC": [OTHERS, *RECEIPT_QUEUES], "BCC": [OTHERS]}
    told = {
        "another one's exchange": tried(FENCES_TRIED, into(url, OTHERS, "")),
        "a queue by its name, with CC and BCC": tried(FENCES_TRIED, into(url, "", RECEIPT_QUEUES[0], copies)),
        "a message of more than 1 MiB": tried(3, too_large_for_the_broker(url)),
        "a frame without its end": tried(FENCES_TRIED, wrong_frame(url)),
        "a frame larger than agreed": tried(FENCES_TRIED, huge_frame(url)),
    }
    for _ in range(BROKEN_OFF):
        break_off_in_a_body(url)
    # That none of them was published the receipts show, of which there would be too many.
    return told | {"broken off within a message": Counter({"no answer is due": BROKEN_OFF})}


def flood(url: str, dice: random.Random) -> Counter[str]:
    """More than the publisher's share of the broker's memory, faster than it can be read."""
    filling = "x" * FLOOD_BYTES
    with connected(url) as wire:
        wire.publish(((None, text(event(dice, comment=filling))) for _ in range(FLOOD_COUNT)), OWN, window=FLOOD_COUNT)
        return wire.settled


class Ears(OutsideSystem):
    """Counts the attacker's receipts by what they say."""

    def __init__(self, url: str) -> None:
        super().__init__(url, ATTACKER)
        self.told: Counter[str] = Counter()
        self.without_a_mend = 0

    def wait_for(self, count: int) -> None:
        with self._lock:
            self._lock.wait_for(lambda: self.told.total() >= count, timeout=ANSWERED_WITHIN_S)

    def _note(self, receipt: Receipt) -> None:
        self.told[f"{receipt.outcome} {receipt.reason}" if receipt.reason else receipt.outcome] += 1
        if receipt.outcome == "refused" and not receipt.mend:
            self.without_a_mend += 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="attacks", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instance", type=Path, required=True)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--malformed", type=int, required=True)
    arguments = parser.parse_args()
    url = Instance(arguments.instance).publisher_url(ATTACKER)
    dice = random.Random(arguments.seed)
    sent: Counter[str] = Counter()
    began = time.monotonic()
    seconds: dict[str, float] = {}

    def lap(name: str) -> None:
        seconds[name] = round(max(0.0, time.monotonic() - began - sum(seconds.values())), 1)

    # The broker takes its time to end a connection: the fences are tried while the rest goes on.
    with Ears(url) as ears, ThreadPoolExecutor(max_workers=1) as beside:
        trying = beside.submit(fences, url)
        with connected(url) as wire:
            wire.publish(malformed_messages(dice, arguments.malformed, sent), OWN)
            settled = wire.settled
        lap("malformed")
        # The last, since a full queue refuses what comes behind it too.
        flooded = flood(url, dice)
        lap("flood")
        ears.wait_for(settled["taken"] + flooded["taken"])
        lap("receipts")
        told = trying.result()
        lap("fences")
        print(json.dumps({"fences": told, "malformed": sent, "settled": settled, "flood": flooded,
                          "receipts": ears.told, "withoutMend": ears.without_a_mend, "seconds": seconds}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
