create table eligibility_decisions (
    application uuid primary key references applications (id),
    -- Slugs; empty when eligible.
    reasons text[] not null,
    decided_by text not null,
    decided_at timestamptz not null
);

create table reviews (
    id uuid primary key,
    application uuid not null references applications (id),
    reviewer text not null,
    organisation text,
    -- Set for somebody who stays out: such a review has no scores.
    declared_conflict text,
    organisation_ties text[] not null,
    impact smallint check (impact between 0 and 100),
    quality smallint check (quality between 0 and 100),
    economics smallint check (economics between 0 and 100),
    network smallint check (network between 0 and 100),
    comment text,
    given_at timestamptz not null,
    unique (application, reviewer),
    check (num_nulls(impact, quality, economics, network) = case when declared_conflict is null then 0 else 4 end)
);

create table recommendations (
    application uuid primary key references applications (id),
    call uuid not null references calls (id),
    outcome text not null check (outcome in ('funded', 'reserve', 'rejected')),
    rank integer check (rank > 0),
    review_count integer not null check (review_count >= 2),
    mean_score_hundredths integer not null check (mean_score_hundredths between 0 and 10000),
    recommended_by text not null,
    recommended_at timestamptz not null,
    check ((rank is null) = (outcome = 'rejected')),
    constraint recommendations_rank_once unique (call, rank),
    unique (application, recommended_by)
);

create table decisions (
    application uuid primary key,
    call uuid not null references calls (id),
    outcome text not null check (outcome in ('funded', 'reserve', 'rejected')),
    rank integer check (rank > 0),
    reason text,
    recommended_by text not null,
    decided_by text not null,
    decided_at timestamptz not null,
    check ((rank is null) = (outcome = 'rejected')),
    constraint decisions_rank_once unique (call, rank),
    -- Separation of duties holds against every way of writing here: the recommender is the one on record.
    foreign key (application, recommended_by) references recommendations (application, recommended_by),
    constraint decisions_by_another_person check (decided_by <> recommended_by)
);
