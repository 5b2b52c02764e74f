-- What the published calls announced, as far as money goes.
create table calls (
    call uuid primary key,
    animation_cents bigint not null check (animation_cents >= 0),
    experiments_cents bigint not null check (experiments_cents >= 0)
);

-- Published rules never change; the next set follows with a later valid_from.
create table rule_sets (
    name text primary key,
    valid_from timestamptz not null unique,
    animation_rate_basis_points int not null,
    -- Cents per structure type.
    animation_ceiling_cents jsonb not null,
    experiment_rate_basis_points int not null,
    experiment_ceiling_cents bigint not null,
    source text not null,
    published_at timestamptz not null,
    published_by text not null
);

create trigger rule_sets_are_immutable before update or delete or truncate on rule_sets
    for each statement execute function refuse_ledger_change();

create table envelopes (
    id uuid primary key,
    call uuid not null references calls (call),
    kind text not null check (kind in ('animation', 'experiments')),
    amount_cents bigint not null check (amount_cents > 0),
    version bigint not null default 1,
    opened_at timestamptz not null,
    unique (call, kind)
);

-- Decisions of the State. They arrive in any order and are served by rank.
create table decisions (
    application uuid primary key,
    call uuid not null,
    outcome text not null check (outcome in ('funded', 'reserve', 'rejected')),
    rank int check (rank >= 1),
    consortium jsonb not null,
    animation_budget_cents bigint not null,
    requested_cents bigint not null,
    decided_at timestamptz not null,
    -- The event that told it.
    event uuid not null,
    unique (call, rank),
    check ((outcome = 'rejected') = (rank is null))
);

-- One row per call with a decision; its lock puts all who serve ranks of the call in a line.
create table allotments (
    call uuid primary key,
    next_rank int not null default 1 check (next_rank >= 1),
    is_exhausted boolean not null default false,
    -- Why next_rank is not served yet.
    waits_for text check (waits_for in ('rank', 'rule-set', 'envelope'))
);

-- Experiments and the agreement under which each runs.
create table experiments (
    experiment uuid primary key,
    agreement uuid not null
);

create table grants (
    id uuid primary key,
    kind text not null check (kind in ('animation', 'experiments')),
    state text not null check (state in ('reserved', 'refused')),
    call uuid not null,
    application uuid not null,
    experiment uuid,
    envelope uuid references envelopes (id),
    lead_siren text not null,
    consortium jsonb not null,
    requested_cents bigint not null,
    reserved_cents bigint not null check (reserved_cents >= 0),
    rule_set text references rule_sets (name),
    binding_rule text,
    derivation jsonb not null,
    -- Why it was refused, as a slug.
    reason text,
    version bigint not null default 1,
    settled_at timestamptz not null,
    check ((kind = 'experiments') = (experiment is not null)),
    check (
        state = 'reserved' and reserved_cents > 0 and reason is null and envelope is not null and rule_set is not null
        or state = 'refused' and reserved_cents = 0 and reason is not null)
);
create unique index one_animation_grant_per_application on grants (application) where kind = 'animation';
create unique index one_grant_per_experiment on grants (experiment) where experiment is not null;
create index grants_by_envelope on grants (envelope);
create index grants_by_call on grants (call, id);
create index grants_by_application on grants (application, id);

-- The cumulated amounts of each grant, as the ledger has them.
create view grant_money as
select owner as grant_id,
    coalesce(max(credited_cents) filter (where kind = 'reserved'), 0)::bigint as reserved_cents,
    coalesce(max(credited_cents) filter (where kind = 'committed'), 0)::bigint as committed_cents,
    coalesce(max(credited_cents) filter (where kind = 'released'), 0)::bigint as released_cents,
    coalesce(max(credited_cents) filter (where kind = 'paid'), 0)::bigint as paid_cents
from accounts where kind in ('reserved', 'committed', 'released', 'paid')
group by owner;

create view envelope_money as
select e.id as envelope, e.call, e.kind, e.version, e.opened_at, a.credited_cents as amount_cents,
    a.debited_cents as reserved_cents,
    coalesce(sum(m.credited_cents) filter (where m.kind = 'committed'), 0)::bigint as committed_cents,
    coalesce(sum(m.credited_cents) filter (where m.kind = 'released'), 0)::bigint as released_cents,
    coalesce(sum(m.credited_cents) filter (where m.kind = 'paid'), 0)::bigint as paid_cents
from envelopes e
join accounts a on a.owner = e.id and a.kind = 'available'
left join grants g on g.envelope = e.id and g.state = 'reserved'
left join accounts m on m.owner = g.id and m.kind in ('committed', 'released', 'paid')
group by e.id, a.id;
