-- Messages of a day that came before, for its statement; there is no row for a day without any.
create table repeated_messages (
    publisher text not null,
    -- Of UTC.
    day date not null,
    message_count bigint not null,
    primary key (publisher, day)
) with (fillfactor = 50);

-- Refused messages that an operator had judged once more, after a fault of ours was mended. A row for each transaction.
create table quarantine_reruns (
    id bigint generated always as identity primary key,
    run uuid not null,
    publisher text not null,
    requested_by text not null,
    why text not null,
    -- As they were in the quarantine, with what became of each.
    positions bigint[] not null,
    outcomes text[] not null,
    at timestamptz not null default clock_timestamp(),
    check (cardinality(positions) = cardinality(outcomes))
);
create index quarantine_reruns_by_publisher on quarantine_reruns (publisher, id);
