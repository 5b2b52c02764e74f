-- Payments that went to the bank together, as the file that the bank got.
create table payment_batches (
    id uuid primary key,
    -- Of the file; what the bank's answers refer to.
    message_id text not null unique,
    execution_day date not null,
    payment_count int not null check (payment_count >= 1),
    total_cents bigint not null check (total_cents > 0),
    document bytea not null,
    made_by text not null,
    made_at timestamptz not null
);
create trigger payment_batches_are_immutable before update or delete or truncate on payment_batches
    for each statement execute function refuse_ledger_change();

-- A payment goes to the bank once: what the bank rejects is ordered anew.
alter table payments add column batch uuid references payment_batches (id),
    add constraint sent_when_approved check (batch is null or approved_by is not null);
create index payments_to_send on payments (id) where state = 'approved' and batch is null;
create index payments_by_batch on payments (batch) where batch is not null;

-- What the bank sent, as it came, and what became of it. The same file again is answered as the first time.
create table bank_messages (
    sha256 bytea primary key check (octet_length(sha256) = 32),
    document bytea not null,
    outcome jsonb not null,
    received_by text not null,
    received_at timestamptz not null
);
create trigger bank_messages_are_immutable before update or delete or truncate on bank_messages
    for each statement execute function refuse_ledger_change();
