"""Bad requests over HTTP: each gets a problem that says what is wrong, nothing is stored, and the service lives on."""

from __future__ import annotations

import json
import socket
import subprocess
import tempfile
import unittest
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from driver.http_api import Answer
from driver.instance import SERVICES
from driver.tokens import mint
from running_system import RunningSystem, for_each

CALL = {"wave": 9, "title": "Vague d'essai", "opensAt": "2030-01-01T00:00:00Z", "deadline": "2030-02-01T00:00:00Z",
        "graceUntil": "2030-02-01T12:00:00Z", "placesTarget": 1, "animationEnvelopeCents": 100,
        "experimentsEnvelopeCents": 100}
JSON_TYPE = "application/json"


@dataclass(frozen=True)
class Bad:
    """A POST of a call, wrong in one way."""

    status: int
    slug: str | None = None
    body: Any = field(default_factory=lambda: CALL)
    headers: dict[str, str] = field(default_factory=dict)
    points_at: str | None = None


def changed(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in (CALL | fields).items() if value is not ...}


BAD_CALLS = {
    "not_json": Bad(400, "malformed-json", b"{\"wave\": 9,"),
    "not_utf8": Bad(400, body=b'{"wave": 9, "title": "\xff\xfe"}'),
    "empty_body": Bad(400, body=b""),
    "an_array": Bad(422, body=[]),
    "nested_too_deep": Bad(400, "malformed-json", b'{"wave":' + b"[" * 5_000 + b"]" * 5_000 + b"}"),
    "too_large": Bad(413, "body-too-large", b'{"title":"' + b"x" * 1_100_000 + b'"}'),
    "another_content_type": Bad(415, "unsupported-media-type", headers={"Content-Type": "text/plain"}),
    "a_missing_field": Bad(422, body=changed(title=...), points_at="/title"),
    "another_type": Bad(422, body=changed(wave="nine"), points_at="/wave"),
    "no_date": Bad(422, body=changed(opensAt="yesterday"), points_at="/opensAt"),
    "negative_money": Bad(422, body=changed(animationEnvelopeCents=-1), points_at="/animationEnvelopeCents"),
    "money_beyond_64_bits": Bad(422, body=changed(animationEnvelopeCents=2**70)),
    "money_with_cents_of_cents": Bad(422, body=changed(animationEnvelopeCents=0.5)),
    "a_deadline_before_the_opening": Bad(422, body=changed(deadline="2029-01-01T00:00:00Z")),
    "a_title_with_nul": Bad(422, body=changed(title="a\0b")),
    "an_endless_title": Bad(422, body=changed(title="x" * 100_000)),
    "an_empty_key": Bad(400, "idempotency-key-required", headers={"Idempotency-Key": ""}),
    "an_endless_key": Bad(400, "idempotency-key-required", headers={"Idempotency-Key": "k" * 5_000}),
}


def check_bad_call(self: Any, case: Bad) -> None:
    before = self.calls()
    answer = self.api.exchange(self.operator, "applications", "POST", "/v1/calls", case.body, headers=case.headers)
    self.assert_problem(answer, case.status, case.slug)
    if case.points_at is not None:
        self.assertEqual(answer.body.get("field"), case.points_at, answer.body)
    self.assertEqual(self.calls(), before, "something was stored")


@for_each(BAD_CALLS, check_bad_call)
class BadRequests(RunningSystem):
    def calls(self) -> Any:
        return self.api.get(self.operator, "applications", "/v1/calls").body

    def assert_problem(self, answer: Answer, status: int, slug: str | None = None) -> None:
        self.assertEqual(answer.status, status, answer.body)
        self.assertIn("application/problem+json", answer.headers.get("content-type", ""))
        self.assertEqual(answer.body["status"], status)
        if slug is not None:
            self.assertEqual(answer.slug, slug, answer.body)

    def test_a_key_of_two_words_is_refused(self) -> None:
        answer = self.api.exchange(self.operator, "applications", "POST", "/v1/calls", CALL,
                                   headers={"Idempotency-Key": "two words"})
        self.assert_problem(answer, 400, "idempotency-key-required")

    def test_a_key_with_another_body_is_refused_and_a_repetition_replayed(self) -> None:
        key = {"Idempotency-Key": str(uuid.uuid4())}
        first = self.api.exchange(self.operator, "applications", "POST", "/v1/calls", CALL, headers=key)
        self.assertEqual(first.status, 201, first.body)
        again = self.api.exchange(self.operator, "applications", "POST", "/v1/calls", CALL, headers=key)
        self.assertEqual((again.status, again.body), (201, first.body))
        other = self.api.exchange(self.operator, "applications", "POST", "/v1/calls", changed(wave=10), headers=key)
        self.assert_problem(other, 422, "idempotency-key-reused")

    def test_a_change_without_a_version_or_with_an_old_one_is_refused(self) -> None:
        body = changed(opensAt="2000-01-01T00:00:00Z")
        call = self.api.call(self.operator, "applications", "POST", "/v1/calls", body).body["id"]
        draft = self.api.call(self.applicant, "applications", "POST", "/v1/applications", {"call": call})
        path = f"/v1/applications/{draft.body['id']}"
        content = {"call": call, "title": "Un"}
        self.assert_problem(self.api.exchange(self.applicant, "applications", "PUT", path, content), 428)
        garbled = self.api.exchange(self.applicant, "applications", "PUT", path, content, headers={"If-Match": "v1"})
        self.assert_problem(garbled, 400)
        self.api.call(self.applicant, "applications", "PUT", path, content, version=draft.version)
        stale = self.api.exchange(self.applicant, "applications", "PUT", path, content, version=draft.version)
        self.assert_problem(stale, 412, "version-mismatch")
        stranger = self.api.actor("applicant-stranger", "applicant", organisation="990000027")
        self.assert_problem(self.api.exchange(stranger, "applications", "GET", path), 404)

    def test_unknown_paths_and_ids_are_problems_too(self) -> None:
        for service, path in (("applications", "/v1/calls/not-a-uuid"), ("applications", f"/v1/calls/{uuid.uuid4()}"),
                              ("funding", "/v1/nothing"), ("experimentation", f"/v1/experiments/{uuid.uuid4()}"),
                              ("reporting", "/v1/figures/paid:nobody/events"), ("feedback", "/v1/../../etc/passwd")):
            with self.subTest(path=path):
                self.assert_problem(self.api.exchange(self.operator, service, "GET", path), 404)


class Strangers(RunningSystem):
    """Who may not, is told so by every service alike."""

    PATHS = {"applications": "/v1/calls", "funding": "/v1/envelopes", "experimentation": f"/v1/sites/{uuid.uuid4()}",
             "feedback": "/v1/quarantine?publisher=telesuivi", "reporting": "/v1/programme"}

    def status(self, service: str, authorization: str | None) -> int:
        headers = {} if authorization is None else {"Authorization": authorization}
        return self.api.exchange(None, service, "GET", self.PATHS[service], headers=headers).status

    def test_without_a_token_nobody_gets_in(self) -> None:
        for service in SERVICES:
            with self.subTest(service=service):
                self.assertEqual(self.status(service, None), 401)

    def test_forged_tokens_are_refused(self) -> None:
        token = self.operator.token
        header, claims, signature = token.split(".")
        none = "eyJhbGciOiJub25lIn0"
        forged = {
            "cut": token[:-8], "unsigned": f"{none}.{claims}.", "algorithm none": f"{none}.{claims}.{signature}",
            "other claims": f"{header}.{claims[:-4]}AAAA.{signature}", "not a token": "abc", "endless": "a" * 9_000,
            "zero signature": f"{header}.{claims}." + "A" * 86,
        }
        for name, text in forged.items():
            for service in SERVICES:
                with self.subTest(service=service, token=name):
                    self.assertIn(self.status(service, f"Bearer {text}"), (400, 401, 431))

    def test_the_wrong_role_is_told_which_one_is_missing(self) -> None:
        nobody = self.api.actor("nobody", "ethics")
        for service, method, path in (("applications", "POST", "/v1/calls"), ("funding", "POST", "/v1/envelopes"),
                                      ("experimentation", "POST", f"/v1/sites/{uuid.uuid4()}/open"),
                                      ("reporting", "GET", "/v1/figures/places:target/events"),
                                      ("feedback", "GET", "/v1/quarantine?publisher=telesuivi")):
            with self.subTest(service=service):
                answer = self.api.exchange(nobody, service, method, path, None if method == "GET" else {}, version=1)
                self.assertEqual(answer.status, 403, answer.body)

    def test_a_token_of_another_key_is_refused(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            key = Path(folder) / "key.pem"
            run = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(key)]
            subprocess.run(run, check=True, capture_output=True)
            for service in SERVICES:
                with self.subTest(service=service):
                    self.assertEqual(self.status(service, f"Bearer {mint(key, 'operator', ['operator'])}"), 401)


class BrokenConnections(RunningSystem):
    """Bytes that are no HTTP, and clients that hang up: nothing of it may end a service."""

    GARBAGE = (b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\0" * 1_000,
               b"POST /v1/calls HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
               b"POST /v1/calls HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\nzz",
               b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n",
               b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(5_000)) + b"\r\n",
               b"POST /v1/calls HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{")

    def test_the_services_live_on(self) -> None:
        for service in SERVICES:
            for garbage in self.GARBAGE:
                with socket.create_connection(("127.0.0.1", self.instance.port(service)), timeout=5) as connection:
                    try:
                        connection.sendall(garbage)
                        connection.shutdown(socket.SHUT_WR)
                        connection.settimeout(2)
                        while connection.recv(65_536):
                            pass
                    except OSError:
                        pass
        self.assert_alive()

    def test_many_idle_connections_keep_nobody_out(self) -> None:
        for service in SERVICES:
            idle = [socket.create_connection(("127.0.0.1", self.instance.port(service)), timeout=5) for _ in range(100)]
            try:
                self.assert_alive(service)
            finally:
                for connection in idle:
                    connection.close()

    def test_problems_say_nothing_of_the_inside(self) -> None:
        answer = self.api.exchange(self.operator, "applications", "POST", "/v1/calls", changed(title=...))
        text = json.dumps(answer.body).lower()
        for word in ("postgres", "select ", "swift", "stack", "/work", "/src"):
            self.assertNotIn(word, text)


if __name__ == "__main__":
    unittest.main()
