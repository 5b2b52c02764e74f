-- What feedback told about milestones: reached, and lost again when responses were taken back. Of one milestone the
-- highest version holds; all are kept.
create table milestone_changes (
    id bigint generated always as identity primary key,
    agreement uuid not null references agreements (id),
    experiment uuid not null,
    milestone text not null,
    version int not null check (version > 0),
    is_reached boolean not null,
    event uuid not null,
    occurred_at timestamptz not null,
    unique (experiment, milestone, version)
);
create index milestone_changes_by_agreement on milestone_changes (agreement, experiment, milestone, version desc);

create trigger milestone_changes_are_immutable before update or delete or truncate on milestone_changes
    for each statement execute function refuse_ledger_change();

-- What counts as evidence now, for each condition possibly several events; the first of them is named.
create view evidence_in_force as
select agreement, condition, event, subject, occurred_at, id from evidence
union all
select agreement, 'milestone-reached', event, experiment::text, occurred_at, id
from (
    select distinct on (experiment, milestone) agreement, event, experiment, occurred_at, id, is_reached
    from milestone_changes order by experiment, milestone, version desc
) as last
where is_reached;
