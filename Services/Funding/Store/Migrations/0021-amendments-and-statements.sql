-- Agreements with a line per beneficiary that may change, tranches in parts, evidence of more kinds that may fall,
-- statements of what was spent, settlement, payments that two approve and that recoveries are set off against.
alter table agreements
    drop constraint agreements_state_check, drop constraint signed_once,
    add constraint agreements_state_check
        check (state in ('draft', 'signed', 'suspended', 'terminated', 'discarded', 'settled')),
    add constraint signed_once check ((state in ('draft', 'discarded')) = (signed_at is null)),
    -- Of now: amendments change who takes part. Null in agreements of before, which have their grant's.
    add column consortium jsonb,
    -- First and last day of the project, the part of the eligible cost that is borne, and when statements are due.
    add column term_from date,
    add column term_until date,
    add column rate_basis_points int check (rate_basis_points between 1 and 10000),
    add column statement_months int check (statement_months between 1 and 60),
    add column statement_due_days int check (statement_due_days between 1 and 366),
    add constraint terms_are_whole check (
        num_nonnulls(term_from, term_until, rate_basis_points, statement_months, statement_due_days) in (0, 5)
        and term_from <= term_until),
    add column settled_at timestamptz,
    add constraint settled_once check ((state = 'settled') = (settled_at is not null));
drop index one_active_agreement_per_grant;
create unique index one_active_agreement_per_grant on agreements (grant_id) where state <> 'discarded';

alter table agreement_changes
    drop constraint agreement_changes_change_check,
    add constraint agreement_changes_change_check
        check (change in ('suspend', 'resume', 'terminate', 'discard', 'settle'));

-- A line is its beneficiary's: its place may change, it may not.
alter table agreement_lines
    add column budget_cents bigint check (budget_cents >= 0),
    add column has_left boolean not null default false,
    -- In a signed agreement: by an amendment.
    add column joined_on date,
    add column left_on date,
    drop constraint agreement_lines_agreement_position_key,
    add constraint agreement_lines_position unique (agreement, position) deferrable initially deferred,
    add constraint agreement_lines_siren unique (agreement, siren);

-- Changes of an agreement that both sides sign.
create table amendments (
    id uuid primary key,
    agreement uuid not null references agreements (id),
    -- From 1, of the agreement.
    number int not null check (number >= 1),
    state text not null check (state in ('draft', 'signed', 'discarded')),
    version bigint not null default 1,
    reason text not null,
    -- What is to change, as it was asked for; what that comes to; and the version of the agreement it was drafted for.
    plan jsonb not null,
    difference jsonb not null,
    agreement_version bigint not null,
    drafted_by text not null,
    drafted_at timestamptz not null,
    signed_on timestamptz,
    signed_at timestamptz,
    unique (agreement, number),
    check ((state = 'signed') = (signed_at is not null)),
    check ((signed_on is null) = (signed_at is null))
);
create unique index one_open_amendment_per_agreement on amendments (agreement) where state = 'draft';

-- Names of persons: they stay here and travel in no event.
create table amendment_signatories (
    amendment uuid not null references amendments (id),
    position int not null check (position >= 0),
    side text not null check (side in ('funder', 'beneficiary')),
    name text not null,
    role text not null,
    primary key (amendment, position)
);
create trigger amendment_signatories_are_immutable before update or delete or truncate on amendment_signatories
    for each statement execute function refuse_ledger_change();

-- What of a tranche each beneficiary gets. Until now the lead was paid for all.
create table tranche_parts (
    tranche uuid not null references tranches (id),
    line uuid not null references agreement_lines (id),
    amount_cents bigint not null check (amount_cents > 0),
    primary key (tranche, line)
);
-- Of agreements of which nothing was paid or ordered, each tranche is divided as the lines are: rounded down, the last
-- takes what is left of a partner's part, and the lead what is left of a tranche. Of the others the lead was paid for all;
-- where their lines say otherwise, an amendment has to say who gets what before they are settled.
with shares as (
    select t.id as tranche, t.number, l.id as line, l.granted_cents,
        max(t.number) over (partition by t.agreement) as last_number,
        floor(t.amount_cents::numeric * l.granted_cents / g.reserved_cents)::bigint as share_cents
    from tranches t join agreements a on a.id = t.agreement join grants g on g.id = a.grant_id
    join agreement_lines l on l.agreement = a.id and l.position > 0 and l.granted_cents > 0
    where not exists (
        select from payments p join tranches o on o.id = p.tranche
        where o.agreement = a.id and p.state in ('ordered', 'approved', 'executed'))
), parts as (
    select tranche, line, case when number < last_number then share_cents else granted_cents - coalesce(
        sum(share_cents) over (partition by line order by number rows between unbounded preceding and 1 preceding), 0)
        end::bigint as amount_cents
    from shares
), leads as (
    select t.id as tranche, l.id as line, t.amount_cents - coalesce((
        select sum(amount_cents) from parts where tranche = t.id), 0)::bigint as amount_cents
    from tranches t join agreement_lines l on l.agreement = t.agreement and l.position = 0
)
insert into tranche_parts (tranche, line, amount_cents)
select tranche, line, amount_cents from parts where amount_cents > 0
union all
select tranche, line, amount_cents from leads where amount_cents > 0;

-- Evidence that stands or fell, by the thing that it is about. Of one thing the highest number holds; all are kept.
create table evidence_changes (
    id bigint generated always as identity primary key,
    agreement uuid not null references agreements (id),
    condition text not null,
    subject uuid not null,
    -- The number of the event among those of its subject, from 1.
    number bigint not null check (number >= 1),
    stands boolean not null,
    event uuid not null,
    occurred_at timestamptz not null,
    unique (condition, subject, number)
);
create index evidence_changes_by_agreement on evidence_changes (agreement, condition, subject, number desc);
create trigger evidence_changes_are_immutable before update or delete or truncate on evidence_changes
    for each statement execute function refuse_ledger_change();

alter table milestone_changes add column responses_count_min int check (responses_count_min >= 0);

-- The evidence that stands, with how much each fact counts.
drop view evidence_in_force;
create view evidence_in_force as
select agreement, condition, event, subject, occurred_at, id, 1 as count from evidence
union all
select agreement, condition, event, subject::text, occurred_at, id, 1
from (
    select distinct on (condition, subject) * from evidence_changes order by condition, subject, number desc) as last
where stands
union all
select agreement, 'milestone-reached', event, experiment::text, occurred_at, id, 1
from (
    select distinct on (experiment, milestone) * from milestone_changes
    order by experiment, milestone, version desc) as last
where is_reached
union all
-- Valid responses of an experiment: the highest number that a milestone of it has proved.
(select distinct on (agreement, experiment) agreement, 'responses-collected', event, experiment::text, occurred_at, id,
    responses_count_min
from (
    select distinct on (experiment, milestone) * from milestone_changes
    order by experiment, milestone, version desc) as last
where is_reached and responses_count_min > 0
order by agreement, experiment, responses_count_min desc, id);

-- What each beneficiary has spent, period by period.
create table expense_statements (
    id uuid primary key,
    agreement uuid not null references agreements (id),
    line uuid not null references agreement_lines (id),
    number int not null check (number >= 1),
    period_from date not null,
    period_until date not null,
    due_on date not null,
    state text not null check (state in ('expected', 'submitted', 'accepted', 'reopened', 'dropped')),
    version bigint not null default 1,
    -- The last that was submitted, with what was judged of it.
    items jsonb not null default '[]',
    declared_cents bigint not null default 0 check (declared_cents >= 0),
    eligible_cents bigint not null default 0 check (eligible_cents between 0 and declared_cents),
    submitted_by text,
    submitted_at timestamptz,
    accepted_by text,
    accepted_at timestamptz,
    check (period_from <= period_until and due_on > period_until),
    check (state not in ('submitted', 'accepted', 'reopened') or submitted_by is not null),
    check ((state = 'accepted') = (accepted_by is not null and accepted_at is not null)),
    constraint accepted_by_another_person check (accepted_by <> submitted_by)
);
create unique index one_statement_per_period on expense_statements (line, number) where state <> 'dropped';
create index expense_statements_by_agreement on expense_statements (agreement, line, number);
create index expense_statements_due on expense_statements (due_on, id) where state in ('expected', 'reopened');

-- Everything that was done to a statement.
create table expense_statement_changes (
    id bigint generated always as identity primary key,
    statement uuid not null references expense_statements (id),
    change text not null check (change in ('submit', 'accept', 'reopen')),
    items jsonb not null,
    reason text,
    changed_by text not null,
    changed_at timestamptz not null,
    event uuid not null
);
create index expense_statement_changes_by_statement on expense_statement_changes (statement, id);
create trigger expense_statement_changes_are_immutable
    before update or delete or truncate on expense_statement_changes
    for each statement execute function refuse_ledger_change();

-- Each reminder once for every day that the statement is due: when the day moves, they come again.
create table statement_reminders (
    statement uuid not null references expense_statements (id),
    due_on date not null,
    reminder text not null check (reminder in ('month-before', 'week-before', 'due-today', 'overdue')),
    reminded_at timestamptz not null,
    event uuid not null,
    primary key (statement, due_on, reminder)
);

-- What a settlement came to, by line.
create table settlement_lines (
    agreement uuid not null references agreements (id),
    line uuid not null references agreement_lines (id),
    eligible_cents bigint not null check (eligible_cents >= 0),
    due_cents bigint not null check (due_cents >= 0),
    paid_cents bigint not null check (paid_cents >= 0),
    claimed_cents bigint not null check (claimed_cents >= 0),
    primary key (agreement, line)
);
create trigger settlement_lines_are_immutable before update or delete or truncate on settlement_lines
    for each statement execute function refuse_ledger_change();

drop index one_live_payment_per_tranche;
create unique index one_live_payment_per_part on payments (tranche, line) where state in ('ordered', 'approved', 'executed');
alter table payments
    add column needs_second_approval boolean not null default false,
    add column first_approved_by text,
    add column first_approved_at timestamptz,
    add constraint first_approved_by_another_person
        check (first_approved_by <> ordered_by and first_approved_by <> approved_by),
    add constraint first_approval_where_two_are_needed check (
        (first_approved_by is null) = (first_approved_at is null)
        and (first_approved_by is null or needs_second_approval)
        and (not needs_second_approval or approved_by is null or first_approved_by is not null));

-- What a recovery takes of a payment: it counts while the payment is not rejected or cancelled.
create table payment_offsets (
    payment uuid not null references payments (id),
    recovery uuid not null references recoveries (id),
    amount_cents bigint not null check (amount_cents > 0),
    primary key (payment, recovery)
);
create index payment_offsets_by_recovery on payment_offsets (recovery);
create trigger payment_offsets_are_immutable before update or delete or truncate on payment_offsets
    for each statement execute function refuse_ledger_change();
