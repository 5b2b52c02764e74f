create table applications (
    id uuid primary key,
    position bigint generated always as identity unique,
    call uuid not null references calls (id),
    -- Opaque id of the person at the issuer of tokens, and the SIREN of their organisation.
    owner_subject text not null,
    owner_organisation text not null check (owner_organisation ~ '^[0-9]{9}$'),
    version bigint not null check (version > 0),
    state text not null check (state in ('draft', 'submitted', 'eligible', 'ineligible', 'recommended', 'funded',
        'reserve', 'rejected', 'contracted')),
    -- The working copy, without the contact.
    content jsonb not null,
    created_at timestamptz not null,
    changed_at timestamptz not null
);

create index applications_of_call on applications (call, position);
create index applications_of_owner on applications (owner_subject, owner_organisation, position);

-- Personal data, apart from everything that has to be kept.
create table application_contacts (
    application uuid primary key references applications (id),
    name text,
    email text
);

-- What was handed in, byte for byte. The last one of an application counts.
create table deposits (
    application uuid not null references applications (id),
    number integer not null check (number > 0),
    canonical bytea not null,
    receipt text not null,
    submitted_at timestamptz not null,
    primary key (application, number),
    -- The receipt proves the content, whoever wrote the row.
    check (receipt = encode(sha256(canonical), 'hex'))
);
