"""The services over HTTP, as a well-behaved client sees them: one connection kept open per service and thread, and
every request repeated with the same key when its answer got lost."""

from __future__ import annotations

import http.client
import json
import threading
import time
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from .instance import Failure, Instance
from .tokens import mint

TIMEOUT_S = 15.0
PATIENCE_S = 60.0
TRY_AGAIN = {429, 502, 503, 504}


@dataclass(frozen=True)
class Actor:
    """Somebody with a token."""

    subject: str
    token: str


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def version(self) -> int:
        """Of the aggregate, from the entity tag `"v3"`."""
        tag = self.headers.get("etag", "")
        if not (tag.startswith('"v') and tag.endswith('"')):
            raise Failure(f"an answer without a version: ETag is {tag!r}")
        return int(tag[2:-1])

    @property
    def slug(self) -> str | None:
        """Of the problem that the service reports."""
        kind = self.body.get("type") if isinstance(self.body, dict) else None
        return kind.rsplit("/", 1)[-1] if isinstance(kind, str) else None


class Refused(Failure):
    """The service understood the request and said no."""

    def __init__(self, request: str, answer: Answer) -> None:
        detail = json.dumps(answer.body, ensure_ascii=False) if answer.body is not None else ""
        super().__init__(f"{request}: {answer.status} {detail}")
        self.answer = answer


class Api:
    """All five services. Safe to be used by several threads."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._local = threading.local()

    def actor(self, subject: str, *roles: str, organisation: str | None = None) -> Actor:
        key = self._instance.secret_path("identity.pem")
        return Actor(subject, mint(key, subject, roles, organisation))

    def get(self, actor: Actor, service: str, path: str) -> Answer:
        return self.call(actor, service, "GET", path)

    def call(self, actor: Actor | None, service: str, method: str, path: str, body: Any = None, *,
             version: int | None = None) -> Answer:
        """Raises `Refused` for anything but a success."""
        answer = self.exchange(actor, service, method, path, body, version=version)
        return self.check(answer, f"{method} {service}{path}")

    @staticmethod
    def check(answer: Answer, request: str) -> Answer:
        if not 200 <= answer.status < 300:
            raise Refused(request, answer)
        return answer

    def call_when_known(self, actor: Actor, service: str, method: str, path: str, body: Any = None, *,
                        not_yet: Collection[str], version: int | None = None) -> Answer:
        """Tries again while the service says, by one of these slugs, that an event it needs has not arrived yet."""
        deadline = time.monotonic() + PATIENCE_S
        pause = 0.02
        while True:
            try:
                return self.call(actor, service, method, path, body, version=version)
            except Refused as refused:
                if refused.answer.slug not in not_yet or time.monotonic() >= deadline:
                    raise
            time.sleep(pause)
            pause = min(0.5, pause * 1.5)

    def exchange(self, actor: Actor | None, service: str, method: str, path: str, body: Any = None, *,
                 version: int | None = None, headers: dict[str, str] | None = None) -> Answer:
        """Repeats the request while no answer comes or the service is not ready, whatever the answer then is."""
        sent = {"Accept": "application/json"} | (headers or {})
        if actor is not None:
            sent["Authorization"] = f"Bearer {actor.token}"
        if method != "GET":
            # One key for all repetitions: that is what makes them harmless.
            sent.setdefault("Idempotency-Key", str(uuid.uuid4()))
        if version is not None:
            sent["If-Match"] = f'"v{version}"'
        payload = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        if payload is not None:
            sent.setdefault("Content-Type", "application/json")
        return self._repeat(service, method, path, payload, sent)

    def _repeat(self, service: str, method: str, path: str, payload: bytes | None, headers: dict[str, str]) -> Answer:
        deadline = time.monotonic() + PATIENCE_S
        pause = 0.05
        while True:
            try:
                answer = self._once(service, method, path, payload, headers)
                if answer.status not in TRY_AGAIN:
                    return answer
                reason = f"status {answer.status}"
            except (OSError, http.client.HTTPException) as error:
                self._drop(service)
                reason = f"{type(error).__name__} {error}"
            if time.monotonic() >= deadline:
                raise Failure(f"{method} {service}{path}: no answer within {PATIENCE_S:g} s, lastly {reason}")
            time.sleep(pause)
            pause = min(1.0, pause * 2)

    def _once(self, service: str, method: str, path: str, payload: bytes | None, headers: dict[str, str]) -> Answer:
        connection = self._connection(service)
        connection.request(method, path, payload, headers)
        response = connection.getresponse()
        content = response.read()
        fields = {name.lower(): value for name, value in response.getheaders()}
        if fields.get("connection", "").lower() == "close":
            self._drop(service)
        is_json = "json" in fields.get("content-type", "")
        return Answer(response.status, fields, json.loads(content) if is_json and content else None)

    def _connection(self, service: str) -> http.client.HTTPConnection:
        connections: dict[str, http.client.HTTPConnection] | None = getattr(self._local, "connections", None)
        if connections is None:
            connections = self._local.connections = {}
        if service not in connections:
            connections[service] = self._instance.connection(service, TIMEOUT_S)
        return connections[service]

    def _drop(self, service: str) -> None:
        connection = self._local.connections.pop(service, None)
        if connection is not None:
            connection.close()
