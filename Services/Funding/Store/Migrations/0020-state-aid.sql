-- Published State-aid rules never change; the next follow with a later first day.
create table state_aid_rules (
    name text primary key,
    valid_from date not null unique,
    -- As the event tells them.
    payload jsonb not null,
    published_at timestamptz not null,
    published_by text not null
);

create trigger state_aid_rules_are_immutable before update or delete or truncate on state_aid_rules
    for each statement execute function refuse_ledger_change();

-- Single undertakings, named by the SIREN of their head. The row's lock puts those who grant to one of them in a line.
create table undertakings (
    siren text primary key check (siren ~ '^[0-9]{9}$'),
    version bigint not null default 1 check (version > 0)
);

-- The members as they are now, the head among them: a SIREN belongs to one undertaking.
create table undertaking_members (
    siren text primary key check (siren ~ '^[0-9]{9}$'),
    undertaking text not null references undertakings (siren)
);
create index undertaking_members_by_undertaking on undertaking_members (undertaking);

-- What was declared of each, version by version; the last one is in force.
create table aid_declarations (
    undertaking text not null references undertakings (siren),
    version bigint not null check (version > 0),
    -- In the form of the interface: members, and the basis with its earlier aids.
    content jsonb not null,
    declared_on date not null,
    declared_by text not null,
    recorded_at timestamptz not null,
    primary key (undertaking, version)
);

create trigger aid_declarations_are_immutable before update or delete or truncate on aid_declarations
    for each statement execute function refuse_ledger_change();

-- Set where the beneficiary's undertaking had declared a basis.
alter table grants add column state_aid_rules text references state_aid_rules (name);
-- The day in Europe/Paris on which the right was conferred.
alter table grants add column granted_on date;

-- De minimis aid that this programme granted, one row per grant.
create table de_minimis_register (
    grant_id uuid primary key references grants (id),
    undertaking text not null references undertakings (siren),
    siren text not null check (siren ~ '^[0-9]{9}$'),
    granted_on date not null,
    amount_cents bigint not null check (amount_cents > 0),
    is_sgei boolean not null,
    state_aid_rules text not null references state_aid_rules (name),
    -- Of the regime, so that the register says by itself which regulation an aid rests on.
    source text not null,
    registered_at timestamptz not null
);
create index de_minimis_register_by_siren on de_minimis_register (siren, granted_on);

create trigger de_minimis_register_is_immutable before update or delete or truncate on de_minimis_register
    for each statement execute function refuse_ledger_change();
