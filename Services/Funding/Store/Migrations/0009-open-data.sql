-- What the law publishes of an agreement, and what was published when.
alter table agreements
    add column reference text unique,
    add column object text,
    add column payment_from date,
    add column payment_until date,
    add constraint payment_period check ((payment_from is null) = (payment_until is null) and payment_from <= payment_until);

alter table agreement_lines
    add column siret text,
    add column legal_name text,
    add column is_private_law boolean,
    add column is_de_minimis boolean;

-- Each publication of an agreement's rows, as they were.
create table subsidy_publications (
    id bigint generated always as identity primary key,
    agreement uuid not null references agreements (id),
    published_on date not null,
    published_by text not null,
    published_at timestamptz not null,
    -- The rows of the file, with their header.
    document text not null
);
create index subsidy_publications_by_agreement on subsidy_publications (agreement, id);
create trigger subsidy_publications_are_immutable before update or delete or truncate on subsidy_publications
    for each statement execute function refuse_ledger_change();
