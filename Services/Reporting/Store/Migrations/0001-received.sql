-- Everything that was ever received, once: the source of every rebuild and of every figure's proof. Never changed or
-- deleted.
create table received (
    position bigint generated always as identity primary key,
    event_id uuid not null unique,
    owner text not null,
    type text not null,
    subject text not null,
    sequence bigint not null check (sequence > 0),
    -- Business time of the owner.
    time timestamptz not null,
    received_at timestamptz not null default clock_timestamp(),
    correlation text not null,
    causation text,
    -- JSON without values about persons and without the codes that outsiders know.
    data text compression lz4 not null
);
create index received_by_subject on received (type, subject);
create index received_by_owner on received (owner, time);

-- Values about persons, apart, so that an erasure deletes them and leaves the log whole.
create table received_personal (
    position bigint primary key,
    personal text not null
);
