-- Published instruments, each a JSON document; those that every installation knows have no row. They never change: a
-- response is scored by the version that its protocol names.
create table instruments (
    name text not null,
    version text not null,
    document text not null,
    published_by text not null,
    published_at timestamptz not null,
    primary key (name, version)
);
