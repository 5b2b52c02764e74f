-- What people may volunteer for.
create table volunteer_openings (
    opening uuid primary key,
    position bigint generated always as identity unique,
    experiment uuid not null,
    kind text not null check (kind in ('experiment', 'codesign')),
    title_fr text not null check (char_length(title_fr) between 1 and 200),
    title_en text not null check (char_length(title_en) between 1 and 200),
    opened_at timestamptz not null,
    opened_by text not null,
    closed_at timestamptz
);
create unique index volunteer_openings_in_force on volunteer_openings (experiment, kind) where closed_at is null;

-- Who volunteered: personal data in a row that goes with its code, with its term, or with nothing left to ask.
create table volunteers (
    volunteer uuid primary key,
    position bigint generated always as identity unique,
    opening uuid not null references volunteer_openings,
    contact_kind text not null check (contact_kind in ('email', 'phone')),
    contact text not null check (octet_length(contact) <= 254),
    language text not null check (language in ('fr', 'en')),
    code_hash bytea not null unique check (octet_length(code_hash) = 32),
    consented_at timestamptz not null,
    expires_at timestamptz not null
);
create index volunteers_by_opening on volunteers (opening, position);
create index volunteers_by_term on volunteers (expires_at);
