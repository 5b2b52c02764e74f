-- What funding told about the money of an application; no foreign keys, since events keep their own order.
create table grant_standings (
    application uuid primary key,
    state text not null default 'unknown' check (state in ('unknown', 'reserved', 'refused')),
    grant_id uuid,
    reserved_cents bigint check (reserved_cents >= 0),
    reason text,
    as_of timestamptz
);

create table agreements (
    application uuid primary key,
    agreement uuid not null,
    granted_cents bigint not null,
    signed_at timestamptz not null
);
