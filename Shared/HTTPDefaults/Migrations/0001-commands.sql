-- Answers to commands, kept for 24 hours so that a repeated request gets the first one's answer and no second effect.
-- The row is inserted at the start of the command's transaction: a second request with the same key waits on the
-- primary key until the first has committed or rolled back.
create table http_commands (
    caller text not null,
    -- Method and concrete path: the same key on another resource is another command.
    route text not null,
    key text not null,
    body_sha256 bytea not null check (length(body_sha256) = 32),
    -- Null only inside the transaction that runs the command.
    status smallint,
    location text,
    etag text,
    content_type text,
    body bytea,
    created_at timestamptz not null default clock_timestamp(),
    primary key (caller, route, key)
);

create index http_commands_created_at on http_commands (created_at);
