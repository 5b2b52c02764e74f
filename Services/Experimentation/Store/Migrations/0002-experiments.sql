-- What is tried, and whose it is.
create table solutions (
    id uuid primary key,
    name text not null,
    supplier text not null,
    registered_at timestamptz not null
);

create table experiments (
    id uuid primary key,
    position bigint generated always as identity unique,
    site uuid not null references sites (id),
    solution uuid not null references solutions (id),
    title text not null,
    budget_cents bigint not null check (budget_cents > 0),
    requested_cents bigint not null check (requested_cents between 0 and budget_cents),
    participants_target integer not null check (participants_target > 0),
    registered_by text not null,
    registered_at timestamptz not null,
    version bigint not null check (version > 0),
    state text not null check (state in ('registered', 'started', 'completed')),
    cofunding_state text not null check (cofunding_state in ('not-requested', 'requested', 'approved', 'refused')),
    cofunding_cents bigint check (cofunding_cents >= 0),
    cofunding_reason text,
    -- Time of funding's event.
    cofunding_as_of timestamptz,
    -- Of the approved protocol.
    protocol_version integer,
    started_at timestamptz,
    completed_at timestamptz,
    -- Participants per arm; changed under the row's lock, so that allotment cannot drift.
    intervention_count integer not null default 0 check (intervention_count >= 0),
    control_count integer not null default 0 check (control_count >= 0),
    check ((cofunding_state = 'not-requested') = (requested_cents = 0)),
    check ((started_at is null) = (state = 'registered')),
    check ((completed_at is null) = (state <> 'completed')),
    -- Nothing runs without an approved protocol and settled money.
    check (state = 'registered' or (protocol_version is not null and cofunding_state in ('not-requested', 'approved'))),
    check (intervention_count + control_count = 0 or state <> 'registered')
) with (fillfactor = 70);

create index experiments_of_site on experiments (site, position);

create table protocols (
    experiment uuid not null references experiments (id),
    version integer not null check (version > 0),
    legal_qualification text not null,
    evidence_reference text,
    consent_scope text not null,
    windows jsonb not null,
    milestones jsonb not null,
    approved_by text not null,
    approved_at timestamptz not null,
    primary key (experiment, version)
);

create table participants (
    id uuid primary key,
    position bigint generated always as identity unique,
    experiment uuid not null references experiments (id),
    -- The site's own code; it never leaves this table but to the site.
    external_code text,
    arm text not null check (arm in ('intervention', 'control')),
    pseudonym text not null unique check (pseudonym ~ '^[0-9A-HJKMNP-TV-Z]{12}$'),
    consent_scope text not null,
    consent_version integer not null check (consent_version > 0),
    consented_at timestamptz not null,
    enrolled_by text not null,
    enrolled_at timestamptz not null,
    unique (experiment, external_code),
    check (consented_at <= enrolled_at)
);

create index participants_of_experiment on participants (experiment, position);

-- What feedback told last about collected responses.
create table milestones (
    experiment uuid not null,
    milestone text not null,
    responses_count_min integer not null,
    responses_count integer not null,
    -- false: it was reached and is no more, since responses were taken back.
    is_reached boolean not null,
    changed_at timestamptz not null,
    -- Number of the change; the highest holds.
    version integer not null check (version > 0),
    primary key (experiment, milestone)
);
