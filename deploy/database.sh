#!/usr/bin/env bash
# database.sh SECRETS: the database, two roles per service and one schema each. Run again, it changes nothing but
# passwords. Connects as the server's superuser by PGHOST, PGPORT and PGUSER; the password is SECRETS/postgres-password.
#
# The owner role migrates; the run role serves and owns nothing. A schema admits its own two roles and nobody else,
# and nobody may create anything outside of a schema.
set -euo pipefail
secrets=$(cd "${1:?usage: database.sh SECRETS}" && pwd -P)
PGPASSWORD=$(<"$secrets/postgres-password")
export PGPASSWORD PGUSER=${PGUSER:-postgres} PGCONNECT_TIMEOUT=5

sql() { psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname "$1" --file - >/dev/null; }

# Passwords reach psql by backquotes, never by its arguments, which every user of the machine can read.
role() {
    cat <<SQL
\\set password \`cat $secrets/$2\`
select 'create role $1' where not exists (select from pg_roles where rolname = '$1') \\gexec
alter role $1 with login nosuperuser nocreatedb nocreaterole noreplication password :'password';
SQL
}

schema() {
    local owner=maillage_$1_owner run=maillage_$1
    cat <<SQL
grant connect on database maillage to $owner, $run;
create schema if not exists $1 authorization $owner;
alter schema $1 owner to $owner;
revoke all on schema $1 from public;
grant usage on schema $1 to $run;
alter role $owner in database maillage set search_path = $1;
alter role $run in database maillage set search_path = $1;
-- Plans are made for few rows and run with many: compiling one took seconds of a statement that took none.
alter role $owner in database maillage set jit = off;
alter role $run in database maillage set jit = off;
SQL
}

services=(applications funding experimentation feedback reporting)
{
    for service in "${services[@]}"; do
        role "maillage_${service}_owner" "database-owner-$service"
        role "maillage_$service" "database-$service"
    done
    cat <<'SQL'
select 'create database maillage' where not exists (select from pg_database where datname = 'maillage') \gexec
revoke all on database maillage from public;
SQL
} | sql postgres
{
    echo 'set client_min_messages = warning; begin; revoke all on schema public from public;'
    for service in "${services[@]}"; do schema "$service"; done
    echo 'commit;'
} | sql maillage
