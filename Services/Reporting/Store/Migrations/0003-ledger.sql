-- Where the fact's event stands in its owner's log, so that sums can be taken as of a position of it.
alter table facts add column log_position bigint;

-- What funding's ledger held, by its latest word.
create table ledger_checkpoint (
    is_only boolean primary key default true check (is_only),
    -- In funding's log.
    position bigint not null,
    balances jsonb not null,
    received_at timestamptz not null default clock_timestamp()
);
