-- What a service has received: one row per event, in the transaction of its effect. Kept longer than the longest
-- replay.
create table inbox (
    id uuid primary key,
    received_at timestamptz not null default now()
);

-- How far each subject was applied, for nouns with a handler that needs its predecessor. The row is the lock under
-- which events are applied, parked and fetched back. Pages are filled by 70 %, so that a new version stays beside
-- the old one.
create table inbox_order (
    owner text not null,
    stream text not null,
    subject text not null,
    last_sequence bigint not null default 0,
    -- The first event that lies among the dead letters; those behind it wait until an operator settles it.
    dead_sequence bigint,
    primary key (owner, stream, subject)
) with (fillfactor = 70);

-- Events that came too early. They hold the bodies as received, values about persons included, until they are
-- applied.
create table inbox_parked (
    id uuid primary key,
    owner text not null,
    stream text not null,
    subject text not null,
    sequence bigint not null,
    is_ordered boolean not null,
    waits_for text not null check (waits_for in ('predecessor', 'dead-predecessor', 'readiness')),
    reason text not null,
    attempts integer not null default 0,
    parked_at timestamptz not null default now(),
    -- 'infinity' behind a dead letter: only its retry can help.
    next_attempt_at timestamptz not null,
    exchange text not null,
    routing_key text not null,
    headers jsonb not null,
    body bytea not null
);

create index inbox_parked_in_order on inbox_parked (owner, stream, subject, sequence) where is_ordered;
create index inbox_parked_due on inbox_parked (next_attempt_at);

-- Messages that cannot be applied as they are, with their original bytes. An operator retries or drops them.
create table dead_letters (
    id bigint generated always as identity primary key,
    message_id text,
    -- Empty for what is not one of our events.
    event_id uuid,
    owner text,
    stream text,
    subject text,
    sequence bigint,
    class text not null,
    reason text not null,
    exchange text not null,
    routing_key text not null,
    headers jsonb not null,
    body bytea not null,
    first_seen timestamptz not null default now(),
    attempts integer not null,
    state text not null default 'open' check (state in ('open', 'retried', 'dropped'))
);

create index dead_letters_open on dead_letters (id) where state = 'open';
