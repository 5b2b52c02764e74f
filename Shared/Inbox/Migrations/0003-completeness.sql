-- What was received, counted per type and slice of the owner's log (256 positions; 0 for what tells no position). Each
-- transaction of the inbox adds rows of its own, so that no two wait for each other; the sweep sums them up.
create table inbox_receipts (
    type text not null,
    slice bigint not null,
    -- Below 0 to take back what turned out a duplicate.
    event_count bigint not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

-- The sums. What lies below the last checkpoint at the end of a slice is summed up under 0.
create table inbox_counts (
    type text not null,
    slice bigint not null,
    event_count bigint not null,
    primary key (type, slice)
) with (fillfactor = 70);

-- What the owners say of their logs: the latest word, and the latest at the end of a slice. The first is exact when
-- nothing came since, the second always.
create table inbox_checkpoints (
    owner text not null,
    reading text not null check (reading in ('latest', 'slice-end')),
    position bigint not null,
    counts jsonb not null,
    received_at timestamptz not null default clock_timestamp(),
    primary key (owner, reading)
);

-- Subjects of ordered nouns that are not as far as a checkpoint says. Rows go as soon as they are.
create table inbox_heads (
    owner text not null,
    stream text not null,
    subject text not null,
    sequence bigint not null,
    noted_at timestamptz not null default clock_timestamp(),
    primary key (owner, stream, subject)
);

-- Events that a person decided to go without: those of before the listener existed, for one.
create table inbox_waivers (
    id bigint generated always as identity primary key,
    type text not null,
    -- Below 0 for what came after all.
    event_count bigint not null check (event_count <> 0),
    -- Of the owner's latest checkpoint then: later losses are not given up.
    position bigint not null,
    reason text not null,
    actor text not null,
    waived_at timestamptz not null default clock_timestamp()
);
