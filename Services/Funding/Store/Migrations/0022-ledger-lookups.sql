-- The ledger looks accounts up one by one, whatever the planner believes of how many there are: a plan that was made
-- while there was one account walked through all of them for each transfer of a batch (20,000 × 200).
create or replace function ledger_book(
    p_at timestamptz[], p_debit_owner uuid[], p_debit_kind text[], p_credit_owner uuid[], p_credit_kind text[],
    p_cents bigint[], p_reason text[], p_command text[], p_event uuid[]
) returns bigint language plpgsql security definer as $$
declare
    booked_count bigint;
    touched bigint[];
begin
    -- A lateral part with a limit is carried out for each row, by the unique index of owner and kind.
    insert into accounts (owner, kind, parent, envelope, grant_id)
    select distinct on (t.credit_owner, t.credit_kind) t.credit_owner, t.credit_kind,
        case when m.edge = 'beside' then d.parent else d.id end,
        case when t.credit_kind = 'available' then t.credit_owner else d.envelope end,
        case when t.credit_kind = 'reserved' then t.credit_owner else d.grant_id end
    from unnest(p_debit_owner, p_debit_kind, p_credit_owner, p_credit_kind, p_reason)
        as t (debit_owner, debit_kind, credit_owner, credit_kind, reason)
    join ledger_moves m on (m.reason, m.debit_kind, m.credit_kind) = (t.reason, t.debit_kind, t.credit_kind)
        and m.edge in ('below', 'beside')
    cross join lateral (
        select a.id, a.parent, a.envelope, a.grant_id from accounts a
        where a.owner = t.debit_owner and a.kind = t.debit_kind limit 1) d
    left join lateral (
        select a.id from accounts a where a.owner = t.credit_owner and a.kind = t.credit_kind limit 1) c on true
    where c.id is null
    order by t.credit_owner, t.credit_kind
    on conflict (owner, kind) do nothing;

    select array_agg(distinct l.id) into touched
    from (
        select * from unnest(p_debit_owner, p_debit_kind) union select * from unnest(p_credit_owner, p_credit_kind)
    ) as t (owner, kind)
    cross join lateral (select a.id from accounts a where a.owner = t.owner and a.kind = t.kind limit 1) l;
    -- In the order of the ids, as everybody does: of two that need the same accounts one waits.
    perform a.id from accounts a where a.id = any(touched) order by a.id for update of a;

    insert into transfers (at, debit_account, credit_account, amount_cents, reason, command_id, event,
        debit_after_cents, credit_after_cents)
    select greatest(t.at, max(d.booked_at) over (), max(c.booked_at) over ()), d.id, c.id, t.cents, t.reason, t.command,
        t.event,
        d.debited_cents + sum(t.cents) over (partition by d.id order by t.place),
        c.credited_cents + sum(t.cents) over (partition by c.id order by t.place)
    from unnest(p_at, p_debit_owner, p_debit_kind, p_credit_owner, p_credit_kind, p_cents, p_reason, p_command, p_event)
        with ordinality
        as t (at, debit_owner, debit_kind, credit_owner, credit_kind, cents, reason, command, event, place)
    cross join lateral (
        select a.* from accounts a where a.owner = t.debit_owner and a.kind = t.debit_kind limit 1) d
    cross join lateral (
        select a.* from accounts a where a.owner = t.credit_owner and a.kind = t.credit_kind limit 1) c
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
    where a.id = s.account and a.id = any(touched);
    return booked_count;
end
$$;

do $$
begin
    execute format('alter function ledger_book set search_path = %I, pg_temp', current_schema());
    execute 'alter function ledger_book set enable_seqscan = off';
    execute 'alter function ledger_book set enable_hashjoin = off';
    execute 'alter function ledger_book set enable_mergejoin = off';
end
$$;
