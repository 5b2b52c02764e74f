-- Experiments of which a fact came late: what was judged without it is judged again, from here on, in bounded steps.
create table reviews (
    experiment uuid primary key,
    -- Answers from before are not touched by the fact.
    from_time timestamptz not null,
    -- First the responses, in the order of their key, after this one;
    after_participant uuid,
    after_instrument text,
    after_occasion text,
    are_responses_done boolean not null default false,
    -- then what was refused, in the order of arrival, and over again while that lets in something that others refer to.
    after_position bigint not null default 0,
    has_accepted boolean not null default false,
    noted_at timestamptz not null default clock_timestamp(),
    -- One that fails is left alone for longer and longer, so that it holds up no other.
    attempts int not null default 0,
    due_at timestamptz not null default clock_timestamp()
);
create index reviews_by_due_time on reviews (due_at);
