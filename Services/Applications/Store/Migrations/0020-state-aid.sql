-- The State-aid rules that funding published. They never change.
create table state_aid_rules (
    state_aid_rules text primary key,
    valid_from date not null,
    payload jsonb not null
);
