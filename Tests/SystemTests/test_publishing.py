"""The outside systems of docs/publishing: each example publishes for real, and schemas, documents and service agree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from typing import Any

import jsonschema
import pika
import yaml

from driver.instance import REPOSITORY
from driver.waiting import until
from running_system import RunningSystem
from test_hostile_feedback import PUBLISHER, REFUSED, event

DOCUMENTS = REPOSITORY / "docs"
EXAMPLES = DOCUMENTS / "publishing"
LINES_MAX = 30


def schema(name: str) -> jsonschema.Draft202012Validator:
    document = json.loads((EXAMPLES / name).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(document)
    return jsonschema.Draft202012Validator(document, format_checker=jsonschema.FormatChecker())


class Examples(RunningSystem):
    def publish(self, command: list[str], body: dict[str, Any], **environment: str) -> dict[str, Any]:
        result = subprocess.run(command, input=json.dumps(body), env={"PATH": os.environ["PATH"], **environment},
                                capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(result.returncode, 0, result.stderr + result.stdout)
        return dict(json.loads(result.stdout))

    def assert_counts_once(self, command: list[str], **environment: str) -> None:
        body = event()
        first = self.publish(command, body, **environment)
        again = self.publish(command, body, **environment)
        self.assertEqual((first["id"], first["outcome"]), (body["id"], "waiting"))
        self.assertEqual(again["outcome"], "duplicate")

    def test_python(self) -> None:
        self.assert_counts_once([sys.executable, str(EXAMPLES / "publish.py")],
                                PUBLISHER_URL=self.instance.publisher_url(PUBLISHER))

    def test_go(self) -> None:
        program = self.instance.directory / "publish"
        build = subprocess.run(
            ["go", "build", "-o", str(program), "./src/publish"], cwd=EXAMPLES / "go", capture_output=True, text=True,
            env={"PATH": os.environ["PATH"], "HOME": str(self.instance.directory), "GO111MODULE": "off", "GOFLAGS": "",
                 "GOPATH": f"{EXAMPLES / 'go'}:/usr/share/gocode"}, timeout=300, check=False)
        self.assertEqual(build.returncode, 0, build.stderr)
        self.assert_counts_once([str(program)], PUBLISHER_URL=self.instance.publisher_url(PUBLISHER))

    def test_curl(self) -> None:
        password = self.instance.secret(f"publisher-{PUBLISHER}")
        self.assert_counts_once([str(EXAMPLES / "publish.sh")], PUBLISHER=f"{PUBLISHER}.1:{password}",
                                FEEDBACK=self.instance.url("feedback"))

    def test_each_is_short(self) -> None:
        for path in (EXAMPLES / "publish.py", EXAMPLES / "publish.sh", EXAMPLES / "go/src/publish/main.go"):
            self.assertLessEqual(len(path.read_text(encoding="utf-8").splitlines()), LINES_MAX, path.name)


class Schemas(RunningSystem):
    """What the schema lets through is never refused for its form, and the other way round."""

    FORM = {"invalid-field", "unsupported-type", "malformed-body", "comment-too-long"}

    def setUp(self) -> None:
        self.event = schema("event.schema.json")
        self.receipts = schema("receipts.schema.json")
        connection = pika.BlockingConnection(pika.URLParameters(self.instance.publisher_url(PUBLISHER)))
        self.addCleanup(connection.close)
        self.channel = connection.channel()
        self.channel.confirm_delivery()
        self.told: dict[str, dict[str, Any]] = {}

    def settle(self, bodies: list[dict[str, Any]]) -> None:
        """Publishes, and checks every message that comes back against its schema."""
        for body in bodies:
            self.channel.basic_publish(f"feedback.in.{PUBLISHER}", "", json.dumps(body, default=str).encode(),
                                       pika.BasicProperties(content_type="application/cloudevents+json"))

        def answered() -> bool | None:
            _, _, message = self.channel.basic_get(f"feedback.receipts.{PUBLISHER}", auto_ack=True)
            if message:
                document = json.loads(message)
                self.receipts.validate(document)
                self.told |= {r["id"]: r for r in document["data"]["receipts"] if r["outcome"] != "duplicate"}
            return True if all(body["id"] in self.told for body in bodies) else None

        until("every event has its receipt", answered)

    def test_schema_and_service_agree(self) -> None:
        amended, retracted = "maillage.response.amended.v1", "maillage.response.retracted.v1"
        answered = event()["data"]
        bare = {key: answered[key] for key in ("experiment", "participant", "instrument", "occasion")}
        bodies = [
            event(), event(data={"comment": "é" * 4_000}), event(data={"comment": None}), event(extension=1),
            event(data={"answers": [None]}), event(data={"answers": [1.5]}), event(data={"answers": "9"}),
            event(data={"participant": ""}), event(data={"participant": "x" * 65}), event(data={"occasion": "a\nb"}),
            event(data={"amends": "x"}), event(data={"retracts": "x"}), event(data={"comment": 7}),
            event(type=amended), event(type=amended, data={"amends": "none"}),
            event(type=amended, data={"amends": "none", "retracts": "x"}),
            event(type=retracted) | {"data": bare | {"retracts": "none"}}, event(type=retracted) | {"data": bare},
            event(type=retracted, data={"retracts": "none"}), event(type="other"), event(specversion="0.3"),
            event(time="yesterday"), event(data={"experiment": "1"}),
            event() | {"data": [1]}, event() | {"data": {}}, *self.by_name(bare),
        ] + [dict(body, id=f"schema-{uuid.uuid4()}") for body in REFUSED.values() if body.get("type") is not ...]
        self.settle(bodies)
        for body in bodies:
            receipt = self.told[body["id"]]
            with self.subTest(body=str(body)[:200], receipt=receipt):
                is_refused_for_form = receipt.get("reason") in self.FORM
                self.assertEqual(self.event.is_valid(body), not is_refused_for_form)

    @staticmethod
    def by_name(bare: dict[str, Any]) -> list[dict[str, Any]]:
        """Answers by link id, right and wrong."""
        version = {"instrumentVersion": "1"}
        members: list[dict[str, Any]] = [
            {"items": {"nps-1": 9}}, {"items": {"nps-1": 9}} | version, {"items": {"nps-1": None}}, {"items": {}},
            {"items": {"nps-1": 1.5}}, {"items": {"nps-1": "9"}}, {"items": {"": 1}}, {"items": [9]}, {"items": None},
            {"items": {f"i{n}": 1 for n in range(101)}}, {"items": {"nps-1": 9}, "answers": [9]},
            {"answers": [9]} | version, {"items": {"nps-1": 9}, "instrumentVersion": ""},
        ]
        return [event() | {"data": bare | member} for member in members] + [
            event(type="maillage.response.retracted.v1") | {"data": bare | {"retracts": "none", "items": {}}}]

    def test_every_reason_is_explained_to_publishers(self) -> None:
        document = yaml.safe_load((DOCUMENTS / "openapi" / "feedback.yaml").read_text(encoding="utf-8"))
        guide = (DOCUMENTS / "publishing.md").read_text(encoding="utf-8")
        missing = [r for r in document["components"]["schemas"]["Reason"]["enum"] if f"`{r}`" not in guide]
        self.assertEqual(missing, [])
