create table agreements (
    id uuid primary key,
    grant_id uuid not null references grants (id),
    application uuid not null,
    lead_siren text not null,
    state text not null check (state in ('draft', 'signed')),
    version bigint not null default 1,
    drafted_at timestamptz not null,
    drafted_by text not null,
    signed_on timestamptz,
    signed_at timestamptz,
    check ((state = 'signed') = (signed_at is not null)),
    check ((signed_on is null) = (signed_at is null))
);
create unique index one_active_agreement_per_grant on agreements (grant_id) where state in ('draft', 'signed');
create index agreements_by_application on agreements (application, id);

-- Names of persons: they stay here and travel in no event.
create table signatories (
    agreement uuid not null references agreements (id),
    position int not null check (position >= 0),
    side text not null check (side in ('funder', 'beneficiary')),
    name text not null,
    role text not null,
    primary key (agreement, position)
);

create table tranches (
    id uuid primary key,
    agreement uuid not null references agreements (id),
    number int not null check (number >= 1),
    amount_cents bigint not null check (amount_cents > 0),
    conditions text[] not null check (cardinality(conditions) >= 1),
    state text not null check (state in ('planned', 'opened', 'released', 'paid')),
    version bigint not null default 1,
    released_at timestamptz,
    unique (agreement, number),
    check ((state in ('released', 'paid')) = (released_at is not null))
);

-- The events that met conditions for good. The first of a condition counts; the others are kept as well.
create table evidence (
    id bigint generated always as identity primary key,
    agreement uuid not null references agreements (id),
    condition text not null check (condition in ('agreement-signed', 'site-opened', 'experiment-completed')),
    event uuid not null,
    -- Which site or experiment it is about.
    subject text not null,
    occurred_at timestamptz not null,
    unique (agreement, condition, event)
);

create trigger evidence_is_immutable before update or delete or truncate on evidence
    for each statement execute function refuse_ledger_change();

-- Bank details stay here and travel in no event.
create table payments (
    id uuid primary key,
    tranche uuid not null references tranches (id),
    amount_cents bigint not null check (amount_cents > 0),
    state text not null check (state in ('ordered', 'approved', 'executed')),
    version bigint not null default 1,
    creditor_name text not null,
    iban text not null,
    ordered_by text not null,
    ordered_at timestamptz not null,
    approved_by text,
    approved_at timestamptz,
    executed_by text,
    executed_at timestamptz,
    bank_reference text unique,
    -- Two persons, whatever the program does.
    constraint approved_by_another_person check (approved_by <> ordered_by),
    check ((state = 'ordered') = (approved_by is null)),
    check ((approved_by is null) = (approved_at is null)),
    check ((state = 'executed') = (bank_reference is not null)),
    check ((state = 'executed') = (executed_by is not null and executed_at is not null))
);
create unique index one_live_payment_per_tranche on payments (tranche) where state in ('ordered', 'approved', 'executed');
