-- Waves of the programme. A published call does not change.
create table calls (
    id uuid primary key,
    -- Order of lists.
    position bigint generated always as identity unique,
    version bigint not null check (version > 0),
    wave integer not null check (wave between 1 and 99),
    title text not null,
    opens_at timestamptz not null,
    -- As displayed.
    deadline timestamptz not null,
    -- The technical closing: until here a deposit may be replaced.
    grace_until timestamptz not null,
    places_target integer not null check (places_target > 0),
    animation_envelope_cents bigint not null check (animation_envelope_cents > 0),
    experiments_envelope_cents bigint not null check (experiments_envelope_cents > 0),
    published_by text not null,
    published_at timestamptz not null,
    check (opens_at < deadline and deadline <= grace_until)
);

-- The co-funding rules that funding published, as they came.
create table rule_sets (
    rule_set text primary key,
    valid_from timestamptz not null,
    payload jsonb not null
);
