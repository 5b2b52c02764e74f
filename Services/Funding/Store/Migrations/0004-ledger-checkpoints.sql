-- A checkpoint of the log finds the transfers by the events that tell them.
create index transfers_by_event on transfers (event);

-- Balances by class of account, with every transfer whose event the last checkpoint of the log covers: summing up all
-- transfers anew would take longer with every year.
create table checkpoint_balances (
    kind text primary key,
    balance_cents bigint not null
);
