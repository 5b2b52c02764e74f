-- What is known about the programme, the latest of each kind and key. Whatever the order in which the events came, the
-- same.
create table facts (
    kind text not null,
    -- An id; for a milestone the experiment and the milestone's name.
    key text not null,
    sequence bigint not null,
    event_id uuid not null,
    time timestamptz not null,
    call uuid,
    application uuid,
    agreement uuid,
    tranche uuid,
    site uuid,
    experiment uuid,
    siren text,
    money_kind text check (money_kind in ('animation', 'experiments')),
    amount_cents bigint check (amount_cents >= 0),
    -- A wave, a rank or a tranche's number.
    ordinal bigint,
    -- Places, participants or responses that are aimed at.
    target bigint,
    -- Participants or responses that there are.
    quantity bigint,
    -- A title, an outcome, a legal qualification or a milestone's name.
    word text,
    -- Slugs, separated by spaces.
    reasons text not null default '',
    primary key (kind, key)
);

-- Who takes part, by internal ids, and how many that makes.
create table participants (
    experiment uuid not null,
    participant uuid not null,
    event_id uuid not null,
    primary key (experiment, participant)
);

create table participant_counts (
    experiment uuid primary key,
    participants_count bigint not null check (participants_count > 0)
) with (fillfactor = 70);

-- The version of each response that counts.
create table responses (
    response uuid primary key,
    version int not null check (version > 0),
    experiment uuid not null,
    instrument text not null,
    occasion text not null,
    -- Retracted and excluded responses do not count.
    is_counted boolean not null,
    -- In the unit of the instrument's main scale. null where there is none, and once it was erased.
    score int
) with (fillfactor = 90);

-- Whole numbers from which every mean is computed exactly. Maintained by difference, so that reading them costs the
-- same however many responses there are.
create table response_cells (
    experiment uuid not null,
    instrument text not null,
    occasion text not null,
    responses_count bigint not null check (responses_count >= 0),
    scored_count bigint not null check (scored_count between 0 and responses_count),
    -- Utilities may be below zero.
    score_sum bigint not null,
    promoter_count bigint not null check (promoter_count >= 0),
    passive_count bigint not null check (passive_count >= 0),
    detractor_count bigint not null check (detractor_count >= 0),
    primary key (experiment, instrument, occasion)
) with (fillfactor = 70);

-- The events behind a cell of responses.
create table response_events (
    experiment uuid not null,
    instrument text not null,
    occasion text not null,
    position bigint not null,
    primary key (experiment, instrument, occasion, position)
);
