-- When something was taken out of the body because a person took it back; all else stays.
alter table dead_letters add column erased_at timestamptz;

-- What a person takes back is looked for among the dead letters of the types that may hold it.
create index dead_letters_by_type on dead_letters (type) where type is not null;
