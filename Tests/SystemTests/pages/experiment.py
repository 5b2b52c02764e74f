"""A running experiment with participants, told to feedback as experimentation would tell it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pika

from driver.http_api import Actor, Api
from driver.instance import Instance
from driver.waiting import until

SIREN = "990000019"
INBOX = "maillage.feedback.inbox"


def text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def invitation(experiment: str, participant: str, instrument: str, language: str | None = "fr") -> dict[str, Any]:
    body = {"experiment": experiment, "participant": participant, "instrument": instrument, "occasion": "M1"}
    return body | ({"language": language} if language else {})


@dataclass
class Experiment:
    instance: Instance
    api: Api
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    site: str = field(default_factory=lambda: str(uuid.uuid4()))
    participants: Iterator[str] = iter(())

    @property
    def manager(self) -> Actor:
        return self.api.actor("site-manager-pages", "site-manager", organisation=SIREN)

    def open(self, count: int) -> None:
        codes = [f"{n:04d}{uuid.uuid4().hex[:8].upper()}" for n in range(count)]
        began = datetime.now(UTC) - timedelta(days=10)
        ids = {"site": self.site, "agreement": str(uuid.uuid4())}
        about = {"experiment": self.id}
        windows = [{"instrument": name, "instrumentVersion": version, "occasion": "M1", "opensDay": 0, "closesDay": 60}
                   for name, version in (("SUS", "F-SUS-2021"), ("NPS", "1"))]
        consent = {"consentScope": "usability", "consentVersion": 1, "consentedAt": text(began)}
        events: list[tuple[str, str, int, dict[str, Any]]] = [
            ("site.opened", self.site, 1, ids | {"application": str(uuid.uuid4()), "call": str(uuid.uuid4()),
                                                 "siren": SIREN, "openedAt": text(began)}),
            ("experiment.registered", self.id, 1, about | ids | {
                "solution": str(uuid.uuid4()), "budgetCents": 40_000_00, "participantsTarget": count}),
            ("protocol.approved", self.id, 1, about | {
                "protocolVersion": 1, "legalQualification": "non_RIPH_satisfaction", "consentScope": "usability",
                "windows": windows, "milestones": []}),
            ("experiment.started", self.id, 2, about | ids | {"protocolVersion": 1, "startedAt": text(began)}),
        ]
        for code in codes:
            participant = str(uuid.uuid4())
            events.append(("participant.enrolled", participant, 1, about | consent | {
                "participant": participant, "arm": "a", "pseudonym": code}))
        self._publish(events)
        until("feedback knows the participants", lambda: self._participants() == count or None)
        self.participants = iter(codes)

    def _participants(self) -> int:
        operator = self.api.actor("operator-pages", "operator")
        answer = self.api.exchange(operator, "feedback", "GET", f"/v1/experiments/{self.id}/responses/summary")
        return int(answer.body["participantsCount"]) if answer.status == 200 else 0

    def responses(self) -> int:
        operator = self.api.actor("operator-pages", "operator")
        body = self.api.get(operator, "feedback", f"/v1/experiments/{self.id}/responses/summary").body
        return int(body["responsesCount"])

    def _publish(self, events: list[tuple[str, str, int, dict[str, Any]]]) -> None:
        password, port = self.instance.secret("rabbitmq-password"), self.instance.fact("RABBITMQ_PORT")
        parameters = pika.URLParameters(f"amqp://administrator:{password}@127.0.0.1:{port}/maillage")
        connection = pika.BlockingConnection(parameters)
        try:
            channel = connection.channel()
            channel.confirm_delivery()
            for kind, subject, sequence, data in events:
                identity, name = str(uuid.uuid4()), f"experimentation.{kind}.v1"
                envelope = {"specversion": "1.0", "id": identity, "source": "/maillage/experimentation",
                            "type": name, "subject": subject, "time": text(datetime.now(UTC)),
                            "correlationid": identity, "sequence": sequence, "data": data}
                channel.basic_publish("", INBOX, json.dumps(envelope).encode(),
                                      pika.BasicProperties(delivery_mode=2))
        finally:
            connection.close()

    def link(self, instrument: str = "NPS", language: str | None = "fr") -> str:
        """The address of a page for one more participant."""
        body = invitation(self.id, next(self.participants), instrument, language)
        path: str = self.api.call(self.manager, "feedback", "POST", "/v1/invitations", body).body["path"]
        return self.instance.url("feedback") + path
