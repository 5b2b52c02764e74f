-- What the events of experimentation told so far. They come in any order, so every column but the key may still be
-- missing.
create table experiments (
    experiment uuid primary key,
    registered_at timestamptz,
    started_at timestamptz,
    completed_at timestamptz,
    -- Of the highest protocol version that was approved.
    protocol_version int check (protocol_version > 0),
    consent_scope text,
    -- Valid responses.
    responses_count bigint not null default 0 check (responses_count >= 0)
) with (fillfactor = 70);

create table measure_windows (
    experiment uuid not null,
    instrument text not null,
    occasion text not null,
    opens_day int not null,
    -- Exclusive.
    closes_day int not null check (closes_day > opens_day),
    instrument_version text not null,
    primary key (experiment, instrument, occasion, opens_day)
);

create table milestones (
    experiment uuid not null,
    milestone text not null,
    responses_count_min bigint not null check (responses_count_min >= 0),
    -- Set once and for ever.
    reached_at timestamptz,
    reached_count bigint,
    primary key (experiment, milestone),
    check ((reached_at is null) = (reached_count is null)),
    check (reached_count >= responses_count_min)
);

-- The one table that knows the codes that outside publishers use.
create table participants (
    experiment uuid not null,
    pseudonym text not null,
    participant uuid not null unique,
    consent_scope text not null,
    consented_at timestamptz not null,
    primary key (experiment, pseudonym)
);
