-- Outside systems that may send feedback. A name is never given out twice: it is part of every identity.
create table publishers (
    publisher text primary key check (publisher ~ '\A[a-z0-9-]{2,40}\Z'),
    organisation text not null,
    contact text not null,
    -- Null: all of them.
    experiments uuid[],
    -- What may wait in its queue.
    queue_bytes bigint not null check (queue_bytes > 0),
    suspended_at timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    version bigint not null default 1,
    -- The version that the broker was brought to.
    provisioned_version bigint not null default 0,
    -- Somebody brings the broker there until then.
    claimed_until timestamptz not null default '-infinity'
);

-- Each is a broker user of its own, `<publisher>.<number>`, so that the next one can be tried before the last one goes.
create table publisher_credentials (
    publisher text not null references publishers,
    number int not null check (number > 0),
    -- As the broker keeps it: four bytes of salt and the SHA-256 over salt and password. The password has 160 random
    -- bits, so that no slow hash is needed; it is shown once and kept nowhere.
    password_hash bytea not null check (octet_length(password_hash) = 36),
    created_at timestamptz not null default clock_timestamp(),
    -- Null: until it is replaced.
    expires_at timestamptz,
    -- The broker has forgotten it.
    removed_at timestamptz,
    primary key (publisher, number)
);
create index publisher_credentials_to_remove on publisher_credentials (expires_at)
    where removed_at is null and expires_at is not null;

-- For the statements of a day. Rows come in the order of time, so that a summary of each stretch of pages will do; a tree
-- would cost every event an entry more.
create index identities_by_time on identities using brin (received_at) with (pages_per_range = 32);
