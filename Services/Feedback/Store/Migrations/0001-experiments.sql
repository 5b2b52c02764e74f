-- What the events of experimentation told so far. They come in any order, so every column but the key may still be
-- missing.
create table experiments (
    experiment uuid primary key,
    registered_at timestamptz,
    started_at timestamptz,
    completed_at timestamptz,
    -- The highest that was approved.
    protocol_version int check (protocol_version > 0),
    -- Valid responses.
    responses_count bigint not null default 0 check (responses_count >= 0)
) with (fillfactor = 70);

-- Every version that was approved: an answer is judged by the one that was in force when it was given.
create table protocol_versions (
    experiment uuid not null,
    version int not null check (version > 0),
    -- As experimentation says.
    approved_at timestamptz not null,
    consent_scope text not null,
    primary key (experiment, version)
);

create table measure_windows (
    experiment uuid not null,
    version int not null,
    instrument text not null,
    occasion text not null,
    opens_day int not null,
    -- Exclusive.
    closes_day int not null check (closes_day > opens_day),
    instrument_version text not null,
    primary key (experiment, version, instrument, occasion, opens_day),
    foreign key (experiment, version) references protocol_versions (experiment, version)
);

create table milestones (
    experiment uuid not null,
    milestone text not null,
    responses_count_min bigint not null check (responses_count_min >= 0),
    -- Whether the protocol in force asks for it.
    is_planned boolean not null default true,
    -- How often it was reached or lost.
    version int not null default 0 check (version >= 0),
    reached_at timestamptz,
    reached_count bigint,
    primary key (experiment, milestone),
    check ((reached_at is null) = (reached_count is null)),
    -- Reached and lost take turns.
    check ((reached_at is not null) = (version % 2 = 1))
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
