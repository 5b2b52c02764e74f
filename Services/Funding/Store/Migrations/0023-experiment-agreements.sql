-- The co-funding of an experiment is agreed on and paid like a third place's, on the evidence of that experiment; and
-- money that was set aside and is not wanted any more goes back to its envelope.
alter table grants
    drop constraint grants_state_check, drop constraint grants_check1,
    add constraint grants_state_check check (state in ('reserved', 'refused', 'released')),
    add column released_by text,
    add column released_at timestamptz,
    add constraint grants_outcome check (
        state in ('reserved', 'released') and reserved_cents > 0 and envelope is not null and rule_set is not null
        or state = 'refused' and reserved_cents = 0 and reason is not null),
    add constraint released_with_reason check (
        (state = 'released') = (released_by is not null and released_at is not null)
        and (state <> 'released' or reason is not null));

create view experiment_agreements as
select a.id as agreement, g.experiment
from agreements a join grants g on g.id = a.grant_id
where g.experiment is not null and a.state <> 'discarded';

-- What was recorded of the agreement of a third place counts for the agreement of one of its experiments too, as far as
-- it is about that experiment.
alter view evidence_in_force rename to evidence_told;
-- Starts were not recorded before: an experiment that reached a milestone or was completed had started.
create view evidence_recorded as
select agreement, condition, event, subject, occurred_at, id, count from evidence_told
union all
(select distinct on (s.subject) s.agreement, 'experiment-started', s.event, s.subject, s.occurred_at, s.id, 1
from (
    select agreement, event, experiment::text as subject, occurred_at, id from milestone_changes
    union all
    select agreement, event, subject, occurred_at, id from evidence where condition = 'experiment-completed') s
where not exists (
    select from evidence_changes c where c.condition = 'experiment-started' and c.subject::text = s.subject)
order by s.subject, s.occurred_at, s.id);
create view evidence_in_force as
select agreement, condition, event, subject, occurred_at, id, count from evidence_recorded
union all
select x.agreement, e.condition, e.event, e.subject, e.occurred_at, e.id, e.count
from experiment_agreements x join evidence_recorded e on e.subject = x.experiment::text and e.agreement <> x.agreement;

-- Which version of an agreement a publication shows: 0 as it was signed first, then by its amendments.
alter table subsidy_publications add column amendment int not null default 0 check (amendment >= 0);
