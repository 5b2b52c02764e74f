-- The event's type, so that dead letters are grouped by what they are about; empty for what is no event of ours.
alter table dead_letters add column type text;
-- When an operator settled it.
alter table dead_letters add column settled_at timestamptz;

-- What else of a subject is dead; the rows of a class in the order in which they are settled.
create index dead_letters_by_subject on dead_letters (owner, stream, subject, sequence) where state = 'open';
create index dead_letters_by_class on dead_letters (class) where state = 'open';

-- Who did what to which dead letter, and why: also what failed, and who looked at a body. Written in the transaction of
-- the act. It outlives the letters, so nothing refers to them.
create table dead_letter_acts (
    id uuid primary key,
    dead_letter bigint not null,
    act text not null check (act in ('retry', 'drop', 'show-body')),
    by_name text not null,
    -- Another person, who agreed; nobody has to agree to a look.
    second_name text,
    reason text not null,
    outcome text not null,
    detail text not null,
    acted_at timestamptz not null default clock_timestamp(),
    check (act = 'show-body' or second_name is not null),
    check (second_name is null or lower(second_name) <> lower(by_name))
);

create index dead_letter_acts_by_letter on dead_letter_acts (dead_letter, acted_at);

create function refuse_act_change() returns trigger language plpgsql as $$
begin
    raise exception 'the trail of acts is append-only' using errcode = 'restrict_violation';
end
$$;

create trigger dead_letter_acts_are_immutable before update or delete on dead_letter_acts
    for each statement execute function refuse_act_change();
