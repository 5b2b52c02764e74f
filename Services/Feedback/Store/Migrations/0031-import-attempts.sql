-- Steps that were begun and neither done nor given up: whoever began them is gone, perhaps because of a line.
alter table imports add column attempts int not null default 0 check (attempts >= 0);
