-- How far the log is summed up. All positions up to here belong to transactions that have ended.
create table log_checkpoint (
    is_only boolean primary key default true check (is_only),
    position bigint not null default 0 check (position >= 0),
    -- When the last checkpoint was published, by this server's clock.
    published_at timestamptz not null default '-infinity'
);
insert into log_checkpoint default values;

-- Events per type up to that position, checkpoints apart. Kept, because counting a log of millions of rows takes
-- seconds.
create table log_counts (
    type text primary key,
    event_count bigint not null check (event_count > 0)
);
