-- What funding said of the blocks of its ledger's hash chain, kept where funding cannot reach it: whoever rewrites the
-- chain there does not rewrite it here.
create table ledger_seals (
    block bigint not null check (block >= 1),
    hash text not null,
    entry_count bigint not null,
    position bigint not null,
    event_id uuid not null,
    received_at timestamptz not null default clock_timestamp(),
    -- Two hashes of one block are both kept: one of them is of a chain that was written anew.
    primary key (block, hash)
);
