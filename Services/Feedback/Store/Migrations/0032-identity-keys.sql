-- An event's name in 16 bytes: three texts in an index cost most of what it took to remember an event, and to see that it
-- came before. Names have no line feeds, so that no two share a text.
create function identity_key(publisher text, source text, event_id text) returns uuid
    language sql immutable strict parallel safe
    return substring(
        encode(sha256(convert_to(publisher || E'\n' || source || E'\n' || event_id, 'UTF8')), 'hex') for 32)::uuid;

-- Hashed parts kept the index of texts in the cache; keys of one size need none.
alter table identities rename to identities_by_name;
alter index identities_pkey rename to identities_by_name_pkey;
alter index identities_by_time rename to identities_by_name_by_time;
alter index identities_refused_by_response rename to identities_by_name_refused;

create table identities (
    key uuid not null,
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
    check ((outcome in ('refused', 'excluded')) = (reason is not null)),
    check (outcome <> 'accepted' or response is not null)
);
insert into identities (key, publisher, source, event_id, content_hash, outcome, reason, field, mend, response, version,
    received_at)
select identity_key(publisher, source, event_id), publisher, source, event_id, content_hash, outcome, reason, field,
    mend, response, version, received_at
from identities_by_name order by received_at;
drop table identities_by_name;
-- Behind the rows: keys in no order fill a tree many times as fast when they are sorted first.
alter table identities add primary key (key);

-- For the statements of a day. Rows come in the order of time, so that a summary of each stretch of pages will do; a tree
-- would cost every event an entry more.
create index identities_by_time on identities using brin (received_at) with (pages_per_range = 32);
-- Corrections that do not count, by the response that they correct. They are few.
create index identities_refused_by_response on identities (response)
    where outcome = 'refused' and response is not null;

-- A version names the event that made it by its key; null where a fact that came late made it.
alter table response_values add column event uuid;
update response_values set event = identity_key(publisher, source, event_id) where event_id is not null;
alter table response_values drop column source, drop column event_id;
alter table response_values add check ((event is null) = (publisher is null));

-- Whether any correction waits for an event is asked for every batch; nearly always none does.
create index waiting_for_events on waiting (position) where waits_for like E'event\n%';
