-- An experiment may end before its time, also one that never started.
alter table experiments
    add column terminated_at timestamptz,
    add column termination_reason text,
    drop constraint experiments_state_check, drop constraint experiments_check2, drop constraint experiments_check4,
    drop constraint experiments_check5,
    add constraint experiments_state_check check (state in ('registered', 'started', 'completed', 'terminated')),
    add constraint started_unless_registered
        check (state = 'terminated' or (started_at is null) = (state = 'registered')),
    add constraint terminated_with_a_reason check (
        (terminated_at is null) = (state <> 'terminated') and (termination_reason is null) = (state <> 'terminated')),
    -- Nothing runs without an approved protocol and settled money.
    add constraint started_with_protocol_and_money check (
        started_at is null
        or (protocol_version is not null and cofunding_state in ('not-requested', 'approved'))),
    add constraint enrolled_after_the_start check (intervention_count + control_count = 0 or started_at is not null);

-- What sites say of periods of their work.
create table site_reports (
    id uuid primary key,
    site uuid not null references sites (id),
    -- Of the site's reports, from 1 without gaps: drawn under the site's lock.
    number integer not null check (number > 0),
    -- Each submission and each decision makes one.
    version bigint not null check (version > 0),
    state text not null check (state in ('submitted', 'accepted', 'reopened')),
    unique (site, number)
);

-- Everything that was submitted; the highest version of a report holds.
create table site_report_submissions (
    report uuid not null references site_reports (id),
    version bigint not null check (version > 0),
    period_from date not null,
    period_until date not null check (period_until >= period_from),
    summary text not null,
    document_reference text,
    submitted_by text not null,
    submitted_at timestamptz not null,
    primary key (report, version)
);

-- What operators decided; the highest version of a report is the last.
create table site_report_decisions (
    report uuid not null references site_reports (id),
    version bigint not null check (version > 1),
    outcome text not null check (outcome in ('accepted', 'sent-back', 'taken-up-again')),
    reason text check ((reason is null) = (outcome = 'accepted')),
    decided_by text not null,
    decided_at timestamptz not null,
    primary key (report, version)
);

create function refuse_report_change() returns trigger language plpgsql as $$
begin
    raise exception 'what was submitted and decided stays' using errcode = 'restrict_violation';
end
$$;

create trigger site_report_submissions_are_immutable before update or delete or truncate on site_report_submissions
    for each statement execute function refuse_report_change();
create trigger site_report_decisions_are_immutable before update or delete or truncate on site_report_decisions
    for each statement execute function refuse_report_change();
