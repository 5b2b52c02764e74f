-- What opens a volunteer's contact: a key of its own, which goes with the volunteer. It lies in a table apart, so that a
-- backup that is kept for long can leave it out: what was deleted here cannot be opened there.
create table volunteer_keys (
    volunteer uuid primary key references volunteers on delete cascade,
    key bytea not null check (octet_length(key) = 32)
);

alter table volunteers
    -- AES-256-GCM: 12 bytes of nonce, the text, 16 bytes of tag; bound to the volunteer's id.
    add column contact_sealed bytea check (octet_length(contact_sealed) between 29 and 282),
    -- Of a volunteer from before the keys, until the service has sealed it.
    alter column contact drop not null,
    add check ((contact is null) <> (contact_sealed is null));
