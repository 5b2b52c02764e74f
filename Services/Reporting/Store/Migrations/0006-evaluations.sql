-- What operators publish on experiments that ended, one evaluation for each.
create table evaluations (
    id uuid primary key,
    -- The order in which they were first published.
    position bigint generated always as identity unique,
    experiment uuid not null unique,
    agreement uuid not null,
    -- The last one that was published.
    version bigint not null check (version > 0)
);

-- Everything that was published; the highest version of an evaluation holds.
create table evaluation_versions (
    evaluation uuid not null references evaluations (id),
    version bigint not null check (version > 0),
    document_reference text not null,
    conclusion text not null
        check (conclusion in ('favourable', 'favourable-with-reservations', 'unfavourable', 'inconclusive')),
    summary text not null,
    published_by text not null,
    published_at timestamptz not null,
    primary key (evaluation, version)
);

create function refuse_evaluation_change() returns trigger language plpgsql as $$
begin
    raise exception 'what was published stays' using errcode = 'restrict_violation';
end
$$;

create trigger evaluation_versions_are_immutable before update or delete or truncate on evaluation_versions
    for each statement execute function refuse_evaluation_change();
