-- The double-entry ledger. Money lies in accounts and moves by transfers; a grant's money goes
-- budget → available → reserved → committed → released → paid and never jumps a step. No balance but the budget's may be
-- negative, so paid <= released <= committed <= reserved <= envelope holds whatever a program does.
create table accounts (
    id bigint generated always as identity primary key,
    -- The envelope (available), the grant (reserved to paid), or the nil UUID (budget).
    owner uuid not null,
    kind text not null check (kind in ('budget', 'available', 'reserved', 'committed', 'released', 'paid')),
    -- Both only grow; the balance is credited - debited. What ever reached an account is its credited_cents.
    debited_cents bigint not null default 0 check (debited_cents >= 0),
    credited_cents bigint not null default 0 check (credited_cents >= 0),
    unique (owner, kind),
    constraint balance_not_negative check (kind = 'budget' or debited_cents <= credited_cents)
) with (fillfactor = 70);

insert into accounts (owner, kind) values ('00000000-0000-0000-0000-000000000000', 'budget');

create table transfers (
    id bigint generated always as identity primary key,
    -- Business time.
    at timestamptz not null,
    recorded_at timestamptz not null default clock_timestamp(),
    debit_account bigint not null references accounts (id),
    credit_account bigint not null references accounts (id),
    amount_cents bigint not null check (amount_cents > 0),
    reason text not null check (reason in ('open', 'reserve', 'commit', 'release', 'pay')),
    -- What the transfer carries out, such as pay:<payment>: it is booked once, however often it is asked for.
    command_id text not null unique,
    -- The event of our log that tells it.
    event uuid not null,
    check (debit_account <> credit_account)
);
create index transfers_by_debit on transfers (debit_account);
create index transfers_by_credit on transfers (credit_account);

create function refuse_ledger_change() returns trigger language plpgsql as $$
begin
    raise exception 'ledger and evidence are append-only' using errcode = 'restrict_violation';
end
$$;

create trigger transfers_are_immutable before update or delete or truncate on transfers
    for each statement execute function refuse_ledger_change();

-- Sums of an account never shrink and accounts never go: a correction is a transfer of its own.
create function refuse_account_shrinking() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and new.debited_cents >= old.debited_cents and new.credited_cents >= old.credited_cents
        and (new.owner, new.kind) = (old.owner, old.kind) then
        return new;
    end if;
    raise exception 'the sums of an account only grow' using errcode = 'restrict_violation';
end
$$;

create trigger accounts_only_grow before update or delete on accounts
    for each row execute function refuse_account_shrinking();

-- Where accounts and transfers disagree: always empty.
create view ledger_differences as
select a.id as account, a.owner, a.kind,
    a.debited_cents - coalesce((select sum(amount_cents) from transfers where debit_account = a.id), 0)
        as debit_difference_cents,
    a.credited_cents - coalesce((select sum(amount_cents) from transfers where credit_account = a.id), 0)
        as credit_difference_cents
from accounts a
where a.debited_cents <> coalesce((select sum(amount_cents) from transfers where debit_account = a.id), 0)
    or a.credited_cents <> coalesce((select sum(amount_cents) from transfers where credit_account = a.id), 0);
