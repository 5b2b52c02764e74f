-- Whoever brings a publisher to the broker may be slow, and overtaken when its claim has run out.
alter table publishers
    -- The number of the newest claim: the holder of an older one was overtaken.
    add column claim bigint not null default 0,
    -- How often nobody knew any more what the broker has; a claim from before proves nothing about it.
    add column reopened bigint not null default 0;
