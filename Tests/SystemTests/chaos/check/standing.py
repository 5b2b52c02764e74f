"""What must be true of any system that is quiet: every event with every listener, nothing on the way, no gaps."""

from __future__ import annotations

from collections import defaultdict

from driver.instance import SERVICES, Instance

from chaos.servers import script

from .database import Database, in_every_schema
from .findings import Findings

Bindings = dict[tuple[str, str], set[str]]
"""Nouns by listener and owner."""


def bindings(instance: Instance) -> Bindings:
    """As the broker has them, not as the services' catalogue says."""
    text = script("servers.sh", "rabbitmqctl", str(instance.directory), "--quiet", "list_bindings", "-p", "maillage",
                  "source_name", "routing_key", "destination_name", "--no-table-headers", seconds=60)
    found: Bindings = defaultdict(set)
    for line in text.splitlines():
        source, _, rest = line.partition("\t")
        key, _, queue = rest.partition("\t")
        parts = key.split(".")
        if source.startswith("maillage.") and queue.endswith(".inbox") and len(parts) > 1 and parts[0] in SERVICES:
            found[queue.split(".")[1], parts[0]].add(parts[1])
    return found


def check_listeners(database: Database, bound: Bindings, findings: Findings) -> list[str]:
    """Every event of every owner's log against the inbox of every listener that is bound to its noun."""
    lines = []
    for (listener, owner), nouns in sorted(bound.items()):
        names = ", ".join(f"'{noun}'" for noun in sorted(nouns))
        total = database.count(f"select count(*) from {owner}.events where stream in ({names})")
        missing = database.rows(
            f"select e.type, e.id from {owner}.events e where e.stream in ({names}) "
            f"and not exists (select from {listener}.inbox i where i.id = e.id) order by e.position")
        for kind, id_ in missing:
            findings.lost(f"{listener} never received", f"{kind} {id_}")
        lines.append(f"  {listener:<16} of {owner:<16} {total:>8} events, {total - len(missing):>8} received")
    return lines


def check_inboxes(database: Database, findings: Findings) -> None:
    """What a listener received and no log knows was made up, or its log lost it."""
    logs = in_every_schema("select id from {s}.events")
    for service in SERVICES:
        for (id_,) in database.rows(
                f"select i.id from {service}.inbox i left join ({logs}) e on e.id = i.id where e.id is null"):
            findings.wrong(f"{service} received what is in no log", id_)


def check_at_rest(database: Database, findings: Findings) -> None:
    for service, count in database.rows(in_every_schema("select '{s}', count(*) from {s}.outbox")):
        if int(count):
            findings.lost(f"{service} has not published", f"{count} events of its outbox", int(count))
    for service, id_, subject, reason in database.rows(
            in_every_schema("select '{s}', id, subject, reason from {s}.inbox_parked")):
        findings.lost(f"{service} keeps parked", f"{id_} of {subject}: {reason}")
    for service, id_, cause, reason in database.rows(
            in_every_schema("select '{s}', id, class, reason from {s}.dead_letters where state = 'open'")):
        findings.lost(f"{service} has a dead letter", f"{id_} {cause}: {reason}")
    for position, publisher in database.rows("select position, publisher from feedback.receipts_outbox"):
        findings.lost("receipts not published", f"{position} to {publisher}")


def check_sequences(database: Database, findings: Findings) -> None:
    """Per subject 1, 2, 3 … with nothing left out, and the counter at the last one."""
    for service in SERVICES:
        for stream, subject, first, last, count, version in database.rows(f"""
                select e.stream, e.subject, e.first, e.last, e.count, s.version
                from (select stream, subject, min(sequence) as first, max(sequence) as last, count(*) as count
                      from {service}.events group by stream, subject) e
                left join {service}.streams s on s.stream = e.stream and s.subject = e.subject
                where e.first <> 1 or e.last <> e.count or s.version is distinct from e.last"""):
            findings.lost(f"{service} has a gap in its log",
                          f"{stream} {subject}: {count} events from {first} to {last}, counter {version}")
        for stream, subject, version in database.rows(f"""
                select s.stream, s.subject, s.version from {service}.streams s where not exists (
                    select from {service}.events e where e.stream = s.stream and e.subject = s.subject)"""):
            findings.lost(f"{service} lost a whole subject of its log", f"{stream} {subject} counter {version}")


def check_queues(instance: Instance, findings: Findings) -> None:
    for vhost in ("maillage", "outside"):
        text = script("servers.sh", "rabbitmqctl", str(instance.directory), "--quiet", "list_queues", "-p", vhost,
                      "name", "messages", "--no-table-headers", seconds=60)
        for line in text.splitlines():
            name, _, count = line.partition("\t")
            if count.isdigit() and int(count) and ".receipts." not in name:
                findings.lost("the broker still holds", f"{count} messages in {name}", int(count))
