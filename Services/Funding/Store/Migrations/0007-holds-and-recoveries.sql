-- Holds, payments that end otherwise than by being executed, recoveries, and agreements that stop or end.
alter table agreements
    drop constraint agreements_state_check, drop constraint agreements_check,
    add constraint agreements_state_check check (state in ('draft', 'signed', 'suspended', 'terminated')),
    add constraint signed_once check ((state <> 'draft') = (signed_at is not null));
drop index one_active_agreement_per_grant;
create unique index one_active_agreement_per_grant on agreements (grant_id)
    where state in ('draft', 'signed', 'suspended', 'terminated');

-- What was done to an agreement after it was signed, and why.
create table agreement_changes (
    id bigint generated always as identity primary key,
    agreement uuid not null references agreements (id),
    change text not null check (change in ('suspend', 'resume', 'terminate')),
    reason text not null,
    changed_by text not null,
    changed_at timestamptz not null,
    -- The event that tells it.
    event uuid not null
);
create index agreement_changes_by_agreement on agreement_changes (agreement, id);
create trigger agreement_changes_are_immutable before update or delete or truncate on agreement_changes
    for each statement execute function refuse_ledger_change();

alter table tranches
    drop constraint tranches_state_check, drop constraint tranches_check,
    add constraint tranches_state_check check (state in ('planned', 'opened', 'released', 'paid', 'cancelled')),
    add constraint released_before_paid check (state not in ('released', 'paid') or released_at is not null);

-- While evidence that a tranche rests on is lost.
create table tranche_holds (
    id bigint generated always as identity primary key,
    tranche uuid not null references tranches (id),
    condition text not null,
    -- The event that took the evidence, and the one that brought it back.
    event uuid not null,
    held_at timestamptz not null,
    resumed_by uuid,
    resumed_at timestamptz,
    check ((resumed_by is null) = (resumed_at is null))
);
create unique index one_hold_per_condition on tranche_holds (tranche, condition) where resumed_at is null;

alter table payments
    drop constraint payments_state_check, drop constraint payments_check,
    add column ended_by text, add column ended_at timestamptz, add column end_reason text,
    add constraint payments_state_check check (state in ('ordered', 'approved', 'executed', 'rejected', 'cancelled')),
    add constraint approved_before_sent check (state in ('ordered', 'cancelled') or approved_by is not null),
    add constraint ordered_is_not_approved check (state <> 'ordered' or approved_by is null),
    add constraint ended_with_reason check (
        (state in ('rejected', 'cancelled')) = (ended_by is not null and ended_at is not null and end_reason is not null));

-- Money that was paid and is to come back.
create table recoveries (
    id uuid primary key,
    payment uuid not null references payments (id),
    amount_cents bigint not null check (amount_cents > 0),
    received_cents bigint not null default 0 check (received_cents >= 0),
    waived_cents bigint not null default 0 check (waived_cents >= 0),
    state text not null check (state in ('proposed', 'ordered', 'settled', 'withdrawn')),
    version bigint not null default 1,
    reason text not null,
    -- The event that took the evidence; null when an operator proposed it.
    cause uuid,
    proposed_by text not null,
    proposed_at timestamptz not null,
    ordered_by text,
    ordered_at timestamptz,
    constraint ordered_by_another_person check (ordered_by <> proposed_by),
    check ((ordered_by is null) = (ordered_at is null)),
    check ((state in ('ordered', 'settled')) = (ordered_by is not null)),
    check (received_cents + waived_cents <= amount_cents),
    check ((state = 'settled') = (received_cents + waived_cents = amount_cents))
);
-- The same loss proposes once.
create unique index one_recovery_per_loss on recoveries (payment, cause) where cause is not null;
create index recoveries_by_payment on recoveries (payment, id);

-- What came in. A receipt has one effect, however often the bank tells it.
create table recovery_receipts (
    id uuid primary key,
    recovery uuid not null references recoveries (id),
    amount_cents bigint not null check (amount_cents > 0),
    bank_reference text not null unique,
    received_by text not null,
    received_at timestamptz not null
);
create trigger recovery_receipts_are_immutable before update or delete or truncate on recovery_receipts
    for each statement execute function refuse_ledger_change();
