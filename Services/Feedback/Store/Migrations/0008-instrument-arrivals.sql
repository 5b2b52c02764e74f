-- Instruments that were published, until the experiments are found whose submissions were refused for want of them.
create table instrument_arrivals (
    instrument text primary key,
    -- In the order of their ids, after this one.
    after_experiment uuid,
    arrived_at timestamptz not null default clock_timestamp()
);

alter table quarantine
    -- That a readable message answers: a publication may remove the reason.
    add column instrument text,
    -- Of what the message says, as its identity has it.
    add column content_hash bytea;
-- The reasons that a publication may remove.
create index quarantine_by_instrument on quarantine (instrument, experiment)
    where experiment is not null and reason in (
        'unknown-instrument', 'answers-count', 'level-out-of-range', 'nothing-answered', 'answer-missing');
