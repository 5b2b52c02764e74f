-- Third places: one for each signed agreement.
create table sites (
    id uuid primary key,
    position bigint generated always as identity unique,
    agreement uuid not null unique,
    application uuid not null,
    call uuid not null,
    -- Of the lead, which runs the site.
    siren text not null,
    version bigint not null check (version > 0),
    state text not null check (state in ('planned', 'open')),
    planned_at timestamptz not null,
    opened_at timestamptz,
    address_commune text,
    check ((opened_at is null) = (state = 'planned'))
);

create index sites_of_organisation on sites (siren, position);

-- The co-funding rules that funding published, as they came.
create table rule_sets (
    rule_set text primary key,
    valid_from timestamptz not null,
    payload jsonb not null
);
