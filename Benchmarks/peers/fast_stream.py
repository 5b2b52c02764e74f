"""N messages of the queue `peer`, one transaction each (inbox and insert), on eight connections."""

import asyncio
import os
import sys
import time
import uuid

import asyncpg
import uvloop
from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitQueue
from pydantic import BaseModel

SCHEMA = """
    create table inbox (id uuid primary key, at timestamptz not null default now());
    create table fb (id uuid primary key, experiment uuid not null, at timestamptz not null default now(), score int,
        payload jsonb not null)
"""


class Feedback(BaseModel):
    id: uuid.UUID
    experiment: uuid.UUID
    instrument: str
    answers: list[int]
    comment: str
    score: int


async def main(count: int) -> None:
    pool = await asyncpg.create_pool(os.environ["PEER_DATABASE_URL"], min_size=8, max_size=8)
    await pool.execute(SCHEMA)
    broker = RabbitBroker(os.environ["PEER_BROKER_URL"], graceful_timeout=5)
    queue = RabbitQueue("peer", durable=True, queue_type=QueueType.QUORUM)
    finished = asyncio.Event()
    began: float | None = None
    done = 0

    @broker.subscriber(queue, channel=Channel(prefetch_count=500))
    async def handle(feedback: Feedback) -> None:
        nonlocal began, done
        began = began or time.monotonic()
        async with pool.acquire() as connection, connection.transaction():
            fresh = await connection.fetchval(
                "insert into inbox (id) values ($1) on conflict do nothing returning id", feedback.id)
            if fresh is not None:
                await connection.execute(
                    "insert into fb (id, experiment, score, payload) values ($1, $2, $3, $4) on conflict do nothing",
                    feedback.id, feedback.experiment, feedback.score, feedback.model_dump_json())
        done += 1
        if done >= count:
            finished.set()

    await broker.start()
    await finished.wait()
    seconds = time.monotonic() - (began or 0)
    print(f"faststream tx: {count} in {seconds:.2f} s = {count / seconds:.0f}/s")
    await broker.stop()


uvloop.run(main(int(sys.argv[1])))
