-- How the columns of a publisher's files become events. A version never changes: its lines were judged by it.
create table import_mappings (
    publisher text not null references publishers,
    name text not null check (name ~ '\A[a-z0-9-]{2,40}\Z'),
    version int not null check (version > 0),
    document text not null,
    -- The programme's time, here and below.
    published_at timestamptz not null,
    primary key (publisher, name, version)
);

-- A file on its way through the intake.
create table imports (
    import uuid primary key,
    position bigint generated always as identity unique,
    publisher text not null,
    mapping text not null,
    mapping_version int not null,
    -- Part of every line's identity: a higher one has lines judged again.
    edition int not null check (edition between 1 and 999),
    charset text not null check (charset in ('utf-8', 'windows-1252')),
    state text not null check (
        state in ('receiving', 'previewing', 'previewed', 'committing', 'committed', 'rejected', 'expired')),
    byte_count bigint not null default 0,
    -- Found with the header, in the first step.
    separator text,
    header text[],
    first_byte bigint,
    first_line int,
    -- Where the next step of the preview, or of the commit, begins.
    next_byte bigint not null default 0,
    next_line int not null default 1,
    -- Of the preview, or of the commit, as far as they are kept.
    errors_count int not null default 0,
    -- Why the file cannot be read.
    rejection text,
    rejection_line int,
    mend_fr text,
    mend_en text,
    created_at timestamptz not null,
    previewed_at timestamptz,
    committed_at timestamptz,
    -- Imports take turns.
    stepped_at timestamptz not null default clock_timestamp(),
    foreign key (publisher, mapping, mapping_version) references import_mappings (publisher, name, version),
    check ((separator is null) = (header is null) and (separator is null) = (first_byte is null)),
    check ((state = 'rejected') = (rejection is not null))
);
create index imports_by_publisher on imports (publisher, position);
create index imports_to_do on imports (stepped_at) where state in ('previewing', 'committing');
create index imports_by_age on imports (created_at);

-- What was uploaded: personal data, deleted when it was settled or its time is over.
create table import_chunks (
    import uuid not null references imports on delete cascade,
    first_byte bigint not null,
    body bytea not null,
    primary key (import, first_byte)
);

-- What became of the lines, one row for each step.
create table import_ranges (
    import uuid not null references imports on delete cascade,
    phase text not null check (phase in ('preview', 'commit')),
    first_line int not null,
    last_line int not null check (last_line >= first_line),
    lines_count int not null,
    accepted int not null,
    duplicates int not null,
    waiting int not null,
    refused int not null,
    primary key (import, phase, first_line),
    check (lines_count = accepted + duplicates + waiting + refused)
);

create table import_reasons (
    import uuid not null references imports on delete cascade,
    phase text not null check (phase in ('preview', 'commit')),
    reason text not null,
    lines_count int not null,
    primary key (import, phase, reason)
);

-- What is wrong with which line; never the value.
create table import_errors (
    import uuid not null references imports on delete cascade,
    phase text not null check (phase in ('preview', 'commit')),
    line int not null,
    number int not null,
    column_name text,
    value_class text,
    outcome text not null check (outcome in ('refused', 'duplicate')),
    reason text not null,
    mend_fr text not null,
    mend_en text not null,
    primary key (import, phase, line, number)
);

-- What the preview decided so far: later lines of the file are judged by it. Deleted when the preview ends.
create table import_seen (
    import uuid not null references imports on delete cascade,
    event_id text not null,
    content_hash bytea not null,
    outcome text not null check (outcome in ('accepted', 'waiting', 'refused')),
    reason text,
    -- Of participant, instrument and occasion, by the content key, of a line that would be accepted.
    answer_hash bytea,
    primary key (import, event_id)
);
create index import_seen_by_answer on import_seen (import, answer_hash) where answer_hash is not null;
