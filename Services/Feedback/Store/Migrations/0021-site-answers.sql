-- "You said, we did": what a site answers to what was said. The words stay here; the event names theme and languages.
create table site_answers (
    answer uuid primary key,
    position bigint generated always as identity unique,
    experiment uuid not null,
    theme text check (theme ~ '^[a-z0-9-]{2,40}$'),
    text_fr text check (char_length(text_fr) between 1 and 2000),
    text_en text check (char_length(text_en) between 1 and 2000),
    published_at timestamptz not null,
    published_by text not null,
    withdrawn_at timestamptz,
    check (text_fr is not null or text_en is not null)
);
create index site_answers_by_experiment on site_answers (experiment, position);
