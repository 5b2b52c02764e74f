-- The log of a service: every event it ever published, in the order of writing. It is the audit trail and the
-- source of replays, so rows are never changed or deleted.
create table events (
    position bigint generated always as identity primary key,
    id uuid not null unique,
    type text not null,
    -- The noun; events of a subject are numbered within it.
    stream text not null,
    subject text not null,
    sequence bigint not null check (sequence > 0),
    -- Who caused it: a principal's subject or a service's name.
    actor text not null,
    recorded_at timestamptz not null default clock_timestamp(),
    -- Business time.
    time timestamptz not null,
    correlation text not null,
    causation text,
    traceparent text,
    -- The payload as JSON, byte for byte as it is published, without values about single persons. Text and not jsonb:
    -- nothing looks inside on the hot path, and jsonb would cost more than the rest of the row. LZ4 takes a fraction of
    -- the time of PostgreSQL's own compression.
    data text compression lz4 not null,
    unique (stream, subject, sequence)
);

create function refuse_event_change() returns trigger language plpgsql as $$
begin
    raise exception 'the event log is append-only' using errcode = 'restrict_violation';
end
$$;

create trigger events_are_immutable before update or delete on events
    for each statement execute function refuse_event_change();

-- Values about single persons, apart from the log, so that an erasure deletes them and leaves the log whole. No
-- foreign key: its check would lock the log's row once more for every insert, and both rows come from the same
-- statement.
create table events_personal (
    position bigint primary key,
    personal text compression lz4 not null
);

-- What the broker has not confirmed yet. Narrow, because its rows live for milliseconds: marking rows in the log
-- instead wrote ten times the WAL. Vacuumed early and without pauses, so that the index's left edge stays short.
create table outbox (
    position bigint primary key
) with (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 50000, autovacuum_vacuum_cost_delay = 0
);

-- The number of the last event of each subject. Its row lock puts the writers of a subject in a line. Pages are
-- filled by 70 % only, so that a new version of a row finds room beside the old one and no index has to change.
create table streams (
    stream text not null,
    subject text not null,
    version bigint not null check (version > 0),
    primary key (stream, subject)
) with (fillfactor = 70);
