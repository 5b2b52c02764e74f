-- What an answer that was taken back leaves behind has to be found in every place that holds it.

alter table response_values
    -- The event of the log that told this version: its personal part holds the values once more.
    add column log_event uuid,
    -- Whose answer it is where a fact that came late made the version; otherwise `publisher` says it.
    add column given_by text;

-- When the message was deleted because its answer was taken back; reason and receipt stay.
alter table quarantine add column erased_at timestamptz;

-- Corrections that do not count, by the response that they correct. They are few.
create index identities_refused_by_response on identities (response)
    where outcome = 'refused' and response is not null;
