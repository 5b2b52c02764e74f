"""Waiting until nothing moves any more: as long as there is progress, and no longer."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

from driver.instance import Failure, Instance

from .check.database import Database, in_every_schema
from .servers import script

STALLED_S = 60.0
"""What has not moved for so long will not move any more."""
LOOK_EVERY_S = 1.0

# What is on its way inside the services, and how much has arrived: two rows are compared for progress.
PENDING = (
    in_every_schema("select '{s} outbox', count(*) from {s}.outbox") + " union all "
    + in_every_schema("select '{s} parked', count(*) from {s}.inbox_parked")
    + " union all select 'receipts', count(*) from feedback.receipts_outbox"
)
ARRIVED = in_every_schema("select '{s}', count(*) from {s}.inbox")


def wait_until_quiet(instance: Instance, backlog: Callable[[], int], say: Callable[[str], None]) -> float:
    """Returns how many seconds it took; returns also when there is no more progress: what then is missing the checker
    tells by id."""
    database = Database(instance)
    began = moved = time.monotonic()
    before: object = None
    calm = 0
    while True:
        seen = _look(instance, database, backlog)
        now = time.monotonic()
        if seen != before:
            before, moved = seen, now
        # Twice in a row, since what leaves a queue is not yet in a table.
        calm = calm + 1 if seen is not None and not any(seen[0].values()) and now - moved > LOOK_EVERY_S else 0
        if calm >= 2:
            return moved - began
        if now - moved > STALLED_S:
            say(f"no progress for {STALLED_S:.0f} s with {seen[0] if seen else 'no answer'}")
            return moved - began
        time.sleep(LOOK_EVERY_S)


def _look(instance: Instance, database: Database,
          backlog: Callable[[], int]) -> tuple[dict[str, int], dict[str, int]] | None:
    """None while a server does not answer."""
    try:
        pending = {name: int(count) for name, count in database.rows(PENDING)}
        arrived = {name: int(count) for name, count in database.rows(ARRIVED)}
        for vhost in ("maillage", "outside"):
            queues = script("servers.sh", "rabbitmqctl", str(instance.directory), "--quiet", "list_queues", "-p", vhost,
                            "name", "messages", "--no-table-headers", seconds=60)
            for line in queues.splitlines():
                name, _, count = line.partition("\t")
                pending[name] = int(count) if count.isdigit() else 1
    except (Failure, subprocess.SubprocessError):
        return None
    pending["unanswered"] = backlog()
    return pending, arrived
