-- Who may look after an experiment's givers: the organisation whose site it is.
alter table experiments add column site uuid;

create table sites (
    site uuid primary key,
    siren text not null
);

-- Secret links. Only the hash of a link is kept, so nobody can read one from here.
create table invitations (
    invitation uuid primary key,
    position bigint generated always as identity unique,
    experiment uuid not null,
    participant uuid not null,
    instrument text not null,
    occasion text not null,
    -- null leaves the choice to the giver's browser.
    language text check (language in ('fr', 'en')),
    token_hash bytea not null unique check (octet_length(token_hash) = 32),
    created_at timestamptz not null,
    created_by text not null,
    expires_at timestamptz not null check (expires_at > created_at),
    withdrawn_at timestamptz
);
-- One link at a time; one that ended is withdrawn when the next is made.
create unique index invitations_in_force on invitations (experiment, participant, instrument, occasion)
    where withdrawn_at is null;
create index invitations_by_experiment on invitations (experiment, position);

-- What somebody entered and has not sent: personal data, deleted when it is sent or the link ends.
create table invitation_drafts (
    invitation uuid primary key references invitations on delete cascade,
    choices text not null check (octet_length(choices) <= 1000),
    comment text not null check (octet_length(comment) <= 131072),
    saved_at timestamptz not null
);

-- What was sent through a link, and what was sent later with the receipt code. The number makes the event's id, and
-- the time is kept so that the same form sent twice is the same event.
create table invitation_submissions (
    invitation uuid not null references invitations,
    number int not null check (number between 1 and 100),
    kind text not null check (kind in ('answer', 'correction', 'withdrawal')),
    -- Of the secret that the form carried: the same form twice has the same one.
    form_hash bytea not null check (octet_length(form_hash) = 32),
    -- HMAC-SHA256 under the service's content key.
    content_hash bytea not null check (octet_length(content_hash) = 32),
    -- Of the receipt code; an answer's alone.
    code_hash bytea unique check (octet_length(code_hash) = 32),
    submitted_at timestamptz not null,
    primary key (invitation, number),
    unique (invitation, form_hash),
    check ((kind = 'answer') = (code_hash is not null))
);
