-- Accounts become a tree, and one function the only way to write into the ledger. Money moves along edges of the tree:
-- budget → programme → part → available → held | reserved → committed → released → paid → claimed, and back.
-- An older binary of the service books nothing against this schema: stop it first.
alter table accounts disable trigger accounts_only_grow;
alter table transfers disable trigger transfers_are_immutable;
drop view envelope_money;
drop view grant_money;
drop view ledger_differences;

-- The money of the whole programme; there is one.
create table programme (
    id uuid primary key,
    is_only boolean not null default true unique check (is_only),
    name text not null,
    amount_cents bigint not null check (amount_cents > 0),
    version bigint not null default 1,
    opened_at timestamptz not null
);

-- What of it is meant for one purpose; envelopes are opened from it.
create table programme_parts (
    id uuid primary key,
    programme uuid not null references programme (id),
    kind text not null unique check (kind in ('animation', 'experiments'))
);

-- Which wave a call is, as it was published; unknown of calls that were published before this was noted.
alter table calls add column wave int;

-- Each beneficiary's part of an agreement.
create table agreement_lines (
    id uuid primary key,
    agreement uuid not null references agreements (id),
    -- From 0: the lead.
    position int not null check (position >= 0),
    siren text not null,
    granted_cents bigint not null check (granted_cents >= 0),
    unique (agreement, position)
);
insert into agreement_lines (id, agreement, position, siren, granted_cents)
select gen_random_uuid(), a.id, 0, a.lead_siren, g.reserved_cents from agreements a join grants g on g.id = a.grant_id;

alter table payments add column line uuid references agreement_lines (id);
update payments p set line = l.id
from tranches t join agreement_lines l on l.agreement = t.agreement where t.id = p.tranche;
alter table payments alter column line set not null;

-- Money of an envelope that an operator set aside by hand.
create table reservations (
    id uuid primary key,
    envelope uuid not null references envelopes (id),
    beneficiary_siren text not null,
    amount_cents bigint not null check (amount_cents > 0),
    purpose text not null,
    state text not null check (state in ('held', 'let-go')),
    version bigint not null default 1,
    made_by text not null,
    made_at timestamptz not null,
    let_go_by text,
    let_go_at timestamptz,
    check ((state = 'let-go') = (let_go_by is not null and let_go_at is not null))
);
create index reservations_by_envelope on reservations (envelope, id);

-- Accounts: the edge to the parent, what the account belongs to, and the latest business time of an entry.
alter table accounts drop constraint accounts_kind_check;
alter table accounts
    add constraint accounts_kind_check check (kind in ('budget', 'programme', 'part', 'available', 'held', 'reserved',
        'committed', 'released', 'paid', 'claimed')),
    add column parent bigint references accounts (id),
    -- Of whatever lies below an envelope, and of the envelope itself.
    add column envelope uuid,
    -- Of whatever lies below a grant, and of the grant itself.
    add column grant_id uuid,
    add column booked_at timestamptz not null default '-infinity';

-- Entries: what their accounts came to with them, so that any past balance is two look-ups.
alter table transfers
    drop constraint transfers_reason_check,
    add column debit_after_cents bigint not null default 0,
    add column credit_after_cents bigint not null default 0;

-- What was kept by grant is kept by agreement, tranche and line now.
update accounts as c set owner = a.id from agreements a where c.kind = 'committed' and c.owner = a.grant_id;
insert into accounts (owner, kind) select t.id, 'released' from tranches t where t.state in ('released', 'paid');
insert into accounts (owner, kind)
select distinct l.id, 'paid' from agreement_lines l join tranches t on t.agreement = l.agreement where t.state = 'paid';
update transfers as e set credit_account = c.id
from accounts c where e.reason = 'release' and c.kind = 'released' and e.command_id = 'release:' || c.owner;
update transfers as e set debit_account = d.id, credit_account = c.id
from payments p
join tranches t on t.id = p.tranche
join agreement_lines l on l.agreement = t.agreement
join accounts d on d.owner = t.id and d.kind = 'released'
join accounts c on c.owner = l.id and c.kind = 'paid'
where e.reason = 'pay' and e.command_id = 'pay:' || p.id;
delete from accounts c where c.kind in ('committed', 'released', 'paid')
    and not exists (select from transfers where debit_account = c.id or credit_account = c.id);
update accounts c set
    debited_cents = (select coalesce(sum(amount_cents), 0) from transfers where debit_account = c.id),
    credited_cents = (select coalesce(sum(amount_cents), 0) from transfers where credit_account = c.id);

update transfers e set debit_after_cents = s.debit_after, credit_after_cents = s.credit_after
from (
    select id, sum(amount_cents) over (partition by debit_account order by id) as debit_after,
        sum(amount_cents) over (partition by credit_account order by id) as credit_after
    from transfers) s
where s.id = e.id;
alter table transfers alter column debit_after_cents drop default, alter column credit_after_cents drop default,
    add check (debit_after_cents >= amount_cents), add check (credit_after_cents >= amount_cents);
update accounts c set booked_at = coalesce(
    (select max(at) from transfers where debit_account = c.id or credit_account = c.id), '-infinity');

update accounts set envelope = owner where kind = 'available';
update accounts c set grant_id = g.id, envelope = g.envelope, parent = v.id
from grants g join accounts v on v.owner = g.envelope and v.kind = 'available'
where c.kind = 'reserved' and c.owner = g.id;
update accounts c set grant_id = r.grant_id, envelope = r.envelope, parent = r.id
from agreements a join accounts r on r.owner = a.grant_id and r.kind = 'reserved'
where c.kind = 'committed' and c.owner = a.id;
update accounts c set grant_id = k.grant_id, envelope = k.envelope, parent = k.id
from accounts k
where k.kind = 'committed' and (
    c.kind = 'released' and exists (select from tranches where id = c.owner and agreement = k.owner)
    or c.kind = 'paid' and exists (select from agreement_lines where id = c.owner and agreement = k.owner));

create index accounts_by_grant on accounts (grant_id) where grant_id is not null;
create index accounts_by_envelope on accounts (envelope) where envelope is not null;
drop index transfers_by_debit;
drop index transfers_by_credit;
create index transfers_by_debit on transfers (debit_account, id);
create index transfers_by_credit on transfers (credit_account, id);

-- Every move that money can make. `edge` is how the accounts are related: the credit below the debit, above it, beside it
-- (both below one agreement), or the envelope that all of it came from.
create table ledger_moves (
    reason text not null,
    debit_kind text not null,
    credit_kind text not null,
    edge text not null check (edge in ('below', 'above', 'beside', 'home')),
    primary key (reason, debit_kind, credit_kind)
);
insert into ledger_moves (reason, debit_kind, credit_kind, edge) values
    ('open', 'budget', 'programme', 'below'),
    ('allot', 'programme', 'part', 'below'),
    ('take-back', 'part', 'programme', 'above'),
    ('fund', 'part', 'available', 'below'),
    ('withdraw', 'available', 'part', 'above'),
    ('hold', 'available', 'held', 'below'),
    ('let-go', 'held', 'available', 'above'),
    ('reserve', 'available', 'reserved', 'below'),
    ('give-back', 'reserved', 'available', 'above'),
    ('commit', 'reserved', 'committed', 'below'),
    ('uncommit', 'committed', 'reserved', 'above'),
    ('release', 'committed', 'released', 'below'),
    ('retract', 'released', 'committed', 'above'),
    ('pay', 'released', 'paid', 'beside'),
    ('claim', 'paid', 'claimed', 'below'),
    ('waive', 'claimed', 'paid', 'above'),
    ('recover', 'claimed', 'available', 'home');

-- Entries become blocks of a chain once no earlier one can appear; see LedgerSeal in the program for the bytes.
create table ledger_blocks (
    number bigint primary key check (number >= 1),
    -- Positions of our log: the block has the entries that the events behind the first up to the second tell.
    after_position bigint not null,
    up_to_position bigint not null,
    entry_count bigint not null check (entry_count >= 1),
    last_entry bigint not null,
    -- The first eight bytes of the hash of each entry, in the order of the entries.
    entry_marks bytea not null,
    previous_hash bytea not null check (octet_length(previous_hash) = 32),
    hash bytea not null unique check (octet_length(hash) = 32),
    sealed_at timestamptz not null,
    check (up_to_position > after_position),
    check (octet_length(entry_marks) = 8 * entry_count)
);
create trigger ledger_blocks_are_immutable before update or delete or truncate on ledger_blocks
    for each statement execute function refuse_ledger_change();

alter table accounts enable trigger accounts_only_grow;
alter table transfers enable trigger transfers_are_immutable;

-- A sum may only grow, and an account stays whose and where it is.
create or replace function refuse_account_shrinking() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and new.debited_cents >= old.debited_cents and new.credited_cents >= old.credited_cents
        and (new.owner, new.kind) = (old.owner, old.kind)
        and (old.parent is null or new.parent = old.parent)
        and new.envelope is not distinct from old.envelope and new.grant_id is not distinct from old.grant_id then
        return new;
    end if;
    raise exception 'the sums of an account only grow' using errcode = 'restrict_violation';
end
$$;

-- Books transfers, the i-th of each array: all or none. An account that money reaches for the first time is opened below
-- the one that it comes from.
--
-- Errors: 23514 (balance_not_negative) when the money is not there, 23001 for a move that there is not, 23505 for a
-- command that was booked before.
create function ledger_book(
    p_at timestamptz[], p_debit_owner uuid[], p_debit_kind text[], p_credit_owner uuid[], p_credit_kind text[],
    p_cents bigint[], p_reason text[], p_command text[], p_event uuid[]
) returns bigint language plpgsql security definer as $$
declare
    booked_count bigint;
begin
    insert into accounts (owner, kind, parent, envelope, grant_id)
    select distinct on (t.credit_owner, t.credit_kind) t.credit_owner, t.credit_kind,
        case when m.edge = 'beside' then d.parent else d.id end,
        case when t.credit_kind = 'available' then t.credit_owner else d.envelope end,
        case when t.credit_kind = 'reserved' then t.credit_owner else d.grant_id end
    from unnest(p_debit_owner, p_debit_kind, p_credit_owner, p_credit_kind, p_reason)
        as t (debit_owner, debit_kind, credit_owner, credit_kind, reason)
    join ledger_moves m on (m.reason, m.debit_kind, m.credit_kind) = (t.reason, t.debit_kind, t.credit_kind)
        and m.edge in ('below', 'beside')
    join accounts d on d.owner = t.debit_owner and d.kind = t.debit_kind
    left join accounts c on c.owner = t.credit_owner and c.kind = t.credit_kind
    where c.id is null
    order by t.credit_owner, t.credit_kind
    on conflict (owner, kind) do nothing;

    -- In the order of the ids, as everybody does: of two that need the same accounts one waits.
    perform a.id
    from (
        select * from unnest(p_debit_owner, p_debit_kind) union select * from unnest(p_credit_owner, p_credit_kind)
    ) as t (owner, kind)
    join accounts a on a.owner = t.owner and a.kind = t.kind
    order by a.id for update of a;

    insert into transfers (at, debit_account, credit_account, amount_cents, reason, command_id, event,
        debit_after_cents, credit_after_cents)
    select greatest(t.at, max(d.booked_at) over (), max(c.booked_at) over ()), d.id, c.id, t.cents, t.reason, t.command,
        t.event,
        d.debited_cents + sum(t.cents) over (partition by d.id order by t.place),
        c.credited_cents + sum(t.cents) over (partition by c.id order by t.place)
    from unnest(p_at, p_debit_owner, p_debit_kind, p_credit_owner, p_credit_kind, p_cents, p_reason, p_command, p_event)
        with ordinality
        as t (at, debit_owner, debit_kind, credit_owner, credit_kind, cents, reason, command, event, place)
    join accounts d on d.owner = t.debit_owner and d.kind = t.debit_kind
    join accounts c on c.owner = t.credit_owner and c.kind = t.credit_kind
    join ledger_moves m on (m.reason, m.debit_kind, m.credit_kind) = (t.reason, t.debit_kind, t.credit_kind)
        and case m.edge
            when 'below' then c.parent = d.id
            when 'above' then d.parent = c.id
            when 'beside' then c.parent = d.parent
            else c.owner = d.envelope end
    order by t.place;
    get diagnostics booked_count = row_count;
    if booked_count <> cardinality(p_command) then
        raise exception 'the ledger knows no such move or account: %', array_to_string(p_command, ', ')
            using errcode = 'restrict_violation';
    end if;

    update accounts a set
        debited_cents = a.debited_cents + s.debited, credited_cents = a.credited_cents + s.credited,
        booked_at = s.booked_at
    from (
        select account, sum(debited) as debited, sum(credited) as credited, max(at) as booked_at from (
            select debit_account as account, amount_cents as debited, 0 as credited, at
            from transfers where command_id = any(p_command)
            union all
            select credit_account, 0, amount_cents, at from transfers where command_id = any(p_command)) e
        group by account) s
    where a.id = s.account;
    return booked_count;
end
$$;

-- Locks an account until the end of the transaction; its balance, or null when there is none.
create function ledger_lock(p_owner uuid, p_kind text) returns bigint language sql security definer as $$
    select credited_cents - debited_cents from accounts where owner = p_owner and kind = p_kind for update
$$;

-- Envelopes of a kind that drew on the budget before there was a programme become the part's, and what they drew is
-- charged to it: once, and by the amount that the ledger has.
--
-- Errors: 23514 when the part does not hold it; 23505 when it was done before.
create function ledger_adopt(p_part uuid, p_kind text, p_at timestamptz, p_event uuid) returns bigint
language plpgsql security definer as $$
declare
    part accounts;
    budget accounts;
    total bigint;
begin
    select coalesce(sum(t.amount_cents), 0) into total
    from transfers t join accounts d on d.id = t.debit_account join accounts c on c.id = t.credit_account
    join envelopes e on e.id = c.owner
    where t.reason = 'open' and d.kind = 'budget' and c.kind = 'available' and e.kind = p_kind;
    if total = 0 then
        return 0;
    end if;
    select * into budget from accounts where kind = 'budget' for update;
    select a.* into part from accounts a join programme_parts p on p.id = a.owner
    where a.owner = p_part and a.kind = 'part' and p.kind = p_kind for update of a;
    if part.id is null or part.credited_cents - part.debited_cents < total then
        raise exception 'the part does not hold what its envelopes drew: %', total using errcode = 'check_violation';
    end if;
    update accounts a set parent = part.id from envelopes e
    where a.owner = e.id and a.kind = 'available' and e.kind = p_kind and a.parent is null;
    insert into transfers (at, debit_account, credit_account, amount_cents, reason, command_id, event,
        debit_after_cents, credit_after_cents)
    values (greatest(p_at, part.booked_at, budget.booked_at), part.id, budget.id, total, 'adopt', 'adopt:' || p_part,
        p_event, part.debited_cents + total, budget.credited_cents + total);
    update accounts set debited_cents = debited_cents + total, booked_at = greatest(p_at, booked_at)
    where id = part.id;
    update accounts set credited_cents = credited_cents + total, booked_at = greatest(p_at, booked_at)
    where id = budget.id;
    return total;
end
$$;

-- A definer's function looks into no schema that its caller can write to.
do $$
begin
    execute format('alter function ledger_book set search_path = %I, pg_temp', current_schema());
    -- Batches are small beside the tables: by the indexes, whatever a plan that is kept was once made for.
    execute 'alter function ledger_book set enable_seqscan = off';
    execute 'alter function ledger_book set enable_hashjoin = off';
    execute 'alter function ledger_book set enable_mergejoin = off';
    execute format('alter function ledger_lock set search_path = %I, pg_temp', current_schema());
    execute format('alter function ledger_adopt set search_path = %I, pg_temp', current_schema());
end
$$;

-- Where accounts and entries disagree: always empty.
create view ledger_differences as
select a.id as account, a.owner, a.kind, a.debited_cents - e.debited as debit_difference_cents,
    a.credited_cents - e.credited as credit_difference_cents
from accounts a
cross join lateral (
    select coalesce((select sum(amount_cents) from transfers where debit_account = a.id), 0) as debited,
        coalesce((select sum(amount_cents) from transfers where credit_account = a.id), 0) as credited) e
where (a.debited_cents, a.credited_cents) <> (e.debited, e.credited);

-- What lies where, each amount a part of the one before it. What is to come back still counts as paid until it has.
create view grant_money as
select grant_id,
    sum(credited_cents - debited_cents)::bigint as reserved_cents,
    coalesce(sum(credited_cents - debited_cents) filter (where kind <> 'reserved'), 0)::bigint as committed_cents,
    coalesce(sum(credited_cents - debited_cents) filter (where kind not in ('reserved', 'committed')), 0)::bigint
        as released_cents,
    coalesce(sum(credited_cents - debited_cents) filter (where kind in ('paid', 'claimed')), 0)::bigint as paid_cents,
    coalesce(sum(credited_cents - debited_cents) filter (where kind = 'claimed'), 0)::bigint as claimed_cents
from accounts where grant_id is not null
group by grant_id;

create view envelope_money as
select e.id as envelope, e.call, e.kind, e.version, e.opened_at,
    sum(a.credited_cents - a.debited_cents)::bigint as amount_cents,
    coalesce(sum(a.credited_cents - a.debited_cents) filter (where a.kind = 'held'), 0)::bigint as held_cents,
    coalesce(sum(a.credited_cents - a.debited_cents) filter (where a.kind not in ('available', 'held')), 0)::bigint
        as reserved_cents,
    coalesce(sum(a.credited_cents - a.debited_cents)
        filter (where a.kind in ('committed', 'released', 'paid', 'claimed')), 0)::bigint as committed_cents,
    coalesce(sum(a.credited_cents - a.debited_cents)
        filter (where a.kind in ('released', 'paid', 'claimed')), 0)::bigint as released_cents,
    coalesce(sum(a.credited_cents - a.debited_cents) filter (where a.kind in ('paid', 'claimed')), 0)::bigint
        as paid_cents
from envelopes e join accounts a on a.envelope = e.id
group by e.id;
