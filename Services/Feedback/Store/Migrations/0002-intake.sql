-- Every event that a publisher ever sent, under the name that the publisher gave it. It lives as long as the responses:
-- a table partitioned by time could not tell that an event came before. Hashed, so that no single index outgrows the
-- cache.
create table identities (
    -- Keys are compared byte by byte, which costs less than by a language's rules.
    publisher text collate "C" not null,
    source text collate "C" not null,
    event_id text collate "C" not null,
    -- HMAC-SHA256 of what the event says, whatever the order of its members, under the service's content key: a bare
    -- hash would tell the answers to whoever tries all.
    content_hash bytea not null check (octet_length(content_hash) = 32),
    outcome text not null check (outcome in ('accepted', 'waiting', 'refused', 'excluded')),
    reason text,
    field text,
    mend text,
    -- That the event belongs to; of a correction that does not count, the one that it corrects.
    response uuid,
    version int check (version > 0),
    received_at timestamptz not null default clock_timestamp(),
    primary key (publisher, source, event_id),
    check ((outcome in ('refused', 'excluded')) = (reason is not null)),
    check (outcome <> 'accepted' or response is not null)
) partition by hash (publisher, source, event_id);

create table identities_0 partition of identities for values with (modulus 8, remainder 0);
create table identities_1 partition of identities for values with (modulus 8, remainder 1);
create table identities_2 partition of identities for values with (modulus 8, remainder 2);
create table identities_3 partition of identities for values with (modulus 8, remainder 3);
create table identities_4 partition of identities for values with (modulus 8, remainder 4);
create table identities_5 partition of identities for values with (modulus 8, remainder 5);
create table identities_6 partition of identities for values with (modulus 8, remainder 6);
create table identities_7 partition of identities for values with (modulus 8, remainder 7);

-- The version of each response that is in force. The key says that a participant answers an instrument once per
-- occasion, and begins with the experiment, so that one index serves the summary too.
create table responses (
    experiment uuid not null,
    participant uuid not null,
    instrument text collate "C" not null,
    occasion text collate "C" not null,
    response uuid not null,
    version int not null check (version > 0),
    state text not null check (state in ('valid', 'retracted', 'excluded')),
    instrument_version text not null,
    answered_at timestamptz not null,
    publisher text not null,
    -- The latest time of any event about it, whether that counts or not.
    touched_at timestamptz not null,
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (experiment, participant, instrument, occasion)
) with (fillfactor = 90);

-- What a person said, version by version: personal data, in rows that an erasure or a retraction deletes. The event log
-- keeps digests.
create table response_values (
    response uuid not null,
    version int not null,
    -- The event that made this version, by which it is judged again when a fact comes late; null where such a fact made
    -- it.
    publisher text,
    source text,
    event_id text,
    answered_at timestamptz not null,
    -- The id of the event that this one corrects or takes back.
    amends text,
    is_retraction boolean not null,
    -- Values are null once the response was taken back.
    salt text,
    -- In the unit of the instrument's main scale; null where its rules give none.
    score int,
    -- Of the other scales that have a score, as JSON by their names.
    scales text,
    -- That the score was computed with, where there is one.
    value_set text,
    -- How many identifiers of persons were masked in the comment.
    masked_count int not null default 0,
    -- JSON, null where an item was left out.
    answers text,
    comment text check (char_length(comment) <= 4000),
    primary key (response, version),
    check ((event_id is null) = (publisher is null) and (event_id is null) = (source is null)),
    check ((salt is null) = (answers is null))
);

-- Submissions that refer to something unknown yet. Real time, not the programme's: what is waited for is our own
-- delivery.
create table waiting (
    position bigint generated always as identity primary key,
    publisher text not null,
    source text not null,
    event_id text not null,
    -- Names the one thing that is missing.
    waits_for text not null,
    body bytea not null,
    -- The programme's time on arrival, which the answer's time is checked against.
    clock_at timestamptz not null,
    received_at timestamptz not null default clock_timestamp(),
    -- What was missing came, and there were too many to look at in that transaction.
    is_due boolean not null default false,
    unique (publisher, source, event_id)
);
create index waiting_by_dependency on waiting (waits_for, position);
create index waiting_by_age on waiting (received_at);
create index waiting_due on waiting (position) where is_due;

-- Refused messages, once per content, without what could tell who a person is.
create table quarantine (
    position bigint generated always as identity unique,
    publisher text collate "C" not null,
    -- Of the event's name and its content hash.
    body_hash bytea not null,
    -- At most 64 KiB of a longer message.
    body bytea not null,
    byte_count bigint not null,
    -- That a readable message is about: a fact of it may remove the reason.
    experiment uuid,
    -- The programme's time on arrival, which the answer's time is checked against.
    clock_at timestamptz not null,
    -- Compared as the identities are: an index of another order could not be used beside theirs.
    source text collate "C",
    event_id text collate "C",
    reason text not null,
    field text,
    mend text not null,
    received_at timestamptz not null default clock_timestamp(),
    primary key (publisher, body_hash, reason)
);
create index quarantine_by_publisher on quarantine (publisher, position);
create index quarantine_by_experiment on quarantine (experiment, position) where experiment is not null;
create index quarantine_by_event on quarantine (source, event_id) where event_id is not null;

-- Messages of up to 100 receipts that the broker has not confirmed yet.
create table receipts_outbox (
    position bigint generated always as identity primary key,
    publisher text not null,
    message_id uuid not null,
    body bytea compression lz4 not null,
    created_at timestamptz not null default clock_timestamp(),
    -- A relay that took the row and died leaves it to the others after this time.
    claimed_until timestamptz not null default '-infinity'
) with (
    fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_cost_delay = 0
);
