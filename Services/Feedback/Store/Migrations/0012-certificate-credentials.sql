-- A credential without a password is a client certificate, whose common name is the broker user.
alter table publisher_credentials alter column password_hash drop not null;
