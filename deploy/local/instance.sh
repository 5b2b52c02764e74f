#!/usr/bin/env bash
# instance.sh up|servers|down|remove|status DIRECTORY
#
# A whole running copy of the system: private servers, broker and database set up, five services. `up` mends what does
# not run, `servers` does it without the services; `down` keeps the data, `remove` does not.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

here=$repository/deploy/local

setup_broker() {
    RABBITMQCTL="$here/servers.sh rabbitmqctl $instance" "$repository/deploy/broker.sh" "$instance/secrets" \
        >"$instance/logs/broker.log" 2>&1 || { tail -n 5 "$instance/logs/broker.log" >&2 && die "broker set-up failed"; }
}

setup_database() {
    PGHOST=127.0.0.1 PGPORT=$POSTGRES_PORT "$repository/deploy/database.sh" "$instance/secrets" \
        >"$instance/logs/database.log" 2>&1 ||
        { tail -n 5 "$instance/logs/database.log" >&2 && die "database set-up failed"; }
}

servers() {
    "$here/servers.sh" start "$instance"
    load_instance "$instance"
    setup_broker &
    local broker=$!
    setup_database
    wait "$broker"
}

up() {
    servers
    "$here/services.sh" start "$instance"
}

down() {
    [[ -d $instance ]] || return 0
    "$here/services.sh" stop "$instance"
    "$here/servers.sh" stop "$instance"
}

remove() {
    [[ -d $instance ]] || return 0
    "$here/services.sh" stop "$instance"
    "$here/servers.sh" remove "$instance"
    rm -rf -- "$instance/run" "$instance/logs" "$instance/secrets" "$instance/env" "$instance/clock"
    rmdir "$instance" 2>/dev/null || true
}

status() {
    "$here/services.sh" status "$instance"
    "$here/servers.sh" status "$instance"
}

[[ $# == 2 ]] || die "usage: instance.sh up|servers|down|remove|status DIRECTORY"
load_instance "$2"
case $1 in
up) up ;;
servers) servers ;;
down) down ;;
remove) remove ;;
status) status ;;
*) die "unknown command: $1" ;;
esac
