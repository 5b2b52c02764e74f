"""Money commands as a careful client sends them: under one key until the answer is known, whatever happens meanwhile.

Every command and its answer go into the journal that the checker compares with the books.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from driver.http_api import Actor, Answer, Api
from driver.instance import Failure

ANSWER_PATIENCE_S = 240.0
AGAIN_S = 0.5
RACERS = 12
REPLAYED_SHARE = 10
"""One success of so many is asked for again under its key: the answer has to be the same."""


@dataclass(frozen=True)
class Command:
    kind: str
    actor: Actor
    path: str
    body: dict[str, Any]
    about: dict[str, Any] = field(default_factory=dict)
    version: int | None = None
    service: str = "funding"


class Commands:
    """Safe to be used by several threads."""

    def __init__(self, api: Api, stopping: threading.Event) -> None:
        self.api = api
        self.stopping = stopping
        self.entries: list[dict[str, Any]] = []
        self.internal_errors = 0
        self._lock = threading.Lock()
        self._racers = ThreadPoolExecutor(max_workers=RACERS, thread_name_prefix="racer")

    def close(self) -> None:
        self._racers.shutdown(wait=True)

    def acknowledged(self) -> Counter[str]:
        with self._lock:
            return Counter(e["kind"] for e in self.entries if e["status"] is not None)

    def race(self, commands: list[Command]) -> list[Answer | None]:
        """Sends them at the same time, each under a key of its own."""
        return list(self._racers.map(self.run, commands))

    def run(self, command: Command) -> Answer | None:
        """None if there was no answer in all the time that was left."""
        key = str(uuid.uuid4())
        entry = {"kind": command.kind, "path": command.path, "key": key, "actor": command.actor.subject,
                 "about": command.about, "status": None, "slug": None, "answer": None, "replay": None}
        answer = self._until_answered(command, key)
        if answer is not None:
            entry |= {"status": answer.status, "slug": answer.slug, "answer": _essence(answer)}
            if 200 <= answer.status < 300 and int(key[:4], 16) % REPLAYED_SHARE == 0:
                again = self._until_answered(command, key)
                if again is not None:
                    entry["replay"] = (again.status, again.body) == (answer.status, answer.body)
        with self._lock:
            self.entries.append(entry)
        return answer

    def _until_answered(self, command: Command, key: str) -> Answer | None:
        deadline = time.monotonic() + ANSWER_PATIENCE_S
        while time.monotonic() < deadline:
            try:
                answer = self.api.exchange(command.actor, command.service, "POST", command.path, command.body,
                                           version=command.version, headers={"Idempotency-Key": key})
            except Failure:
                continue
            if answer.status < 500:
                return answer
            # Whatever broke, the outcome is unknown, and the key makes it safe to ask again.
            with self._lock:
                self.internal_errors += 1
            time.sleep(AGAIN_S)
        return None


def _essence(answer: Answer) -> dict[str, Any]:
    body = answer.body if isinstance(answer.body, dict) else {}
    names = ("id", "version", "state", "amountCents", "grantedCents", "tranche", "bankReference")
    return {name: body[name] for name in names if name in body}
