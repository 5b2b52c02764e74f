#!/usr/bin/env bash
# servers.sh start|stop|remove|status DIRECTORY
# servers.sh kill-postgres|kill-rabbitmq|mend-postgres|mend-rabbitmq DIRECTORY
# servers.sh rabbitmqctl DIRECTORY ARGUMENT…
#
# A private PostgreSQL and a private RabbitMQ for one instance, on ports that nobody used, with passwords made on the
# spot. A server that was already on the machine is neither used nor touched. `start` starts what does not run, so it
# also mends after a crash; ports, data and passwords stay. `remove` stops both and deletes their data.
#
# As root, which PostgreSQL refuses, the data lie in a folder of the system's temporary folder that belongs to the
# users postgres and rabbitmq, with a link from the instance.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
readonly marker=.maillage-data

# MARK: Data

# make_data: sets $data to the folder, real and not a link.
make_data() {
    if [[ -f $instance/data/$marker ]]; then
        data=$(cd "$instance/data" && pwd -P)
        return
    fi
    mkdir -p "$instance"
    if ((EUID != 0)); then
        data=$instance/data
        mkdir -p "$data"
    else
        local base
        for base in "${TMPDIR:-/tmp}" /var/tmp /tmp; do
            data=$(mktemp -d "${base%/}/maillage.XXXXXXXX") || continue
            chmod 711 "$data"
            as postgres test -x "$data" && as rabbitmq test -x "$data" && break
            rmdir "$data"
            data=
        done
        [[ -n $data ]] || die "no temporary folder that the users postgres and rabbitmq may enter"
        rm -f "$instance/data"
        ln -s "$data" "$instance/data"
    fi
    touch "$data/$marker"
    own postgres "$data/postgres"
    own rabbitmq "$data/rabbitmq"
}

# own USER FOLDER: the folder exists and is that user's alone.
own() {
    mkdir -p "$2"
    chmod 700 "$2"
    if ((EUID == 0)); then chown "$1:" "$2"; fi
}

# secret NAME
secret() { cat "$instance/secrets/$1"; }

is_busy() { { exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null && exec 3>&-; }

ours_run() { postgres_runs || remembered "$instance/run/rabbitmq.pid" >/dev/null; }

# Ports stay for the life of the instance, unless somebody else took one while both servers were down.
choose_ports() {
    if [[ -n ${POSTGRES_PORT:-} && -z ${RABBITMQ_MANAGEMENT_PORT:-} ]]; then
        set_fact RABBITMQ_MANAGEMENT_PORT "$(free_ports 1)"
    fi
    if [[ -n ${POSTGRES_PORT:-} ]] && { ours_run || ! { is_busy "$POSTGRES_PORT" || is_busy "$RABBITMQ_PORT"; }; }; then
        return
    fi
    local ports
    mapfile -t ports < <(free_ports 5)
    set_fact POSTGRES_PORT "${ports[0]}"
    set_fact RABBITMQ_PORT "${ports[1]}"
    set_fact RABBITMQ_DISTRIBUTION_PORT "${ports[2]}"
    set_fact RABBITMQ_EPMD_PORT "${ports[3]}"
    set_fact RABBITMQ_MANAGEMENT_PORT "${ports[4]}"
    set_fact RABBITMQ_NODE "${RABBITMQ_NODE:-maillage-$(openssl rand -hex 4)@localhost}"
}

# MARK: PostgreSQL

postgres_tool() {
    local candidates
    mapfile -t candidates < <(printf '%s\n' /usr/lib/postgresql/*/bin/"$1" | sort -V)
    [[ -x ${candidates[-1]} ]] || die "no $1 of PostgreSQL here: run deploy/local/packages.sh"
    printf '%s\n' "${candidates[-1]}"
}

postgres_runs() {
    local pid
    pid=$(head -n 1 "$data/postgres/cluster/postmaster.pid" 2>/dev/null) && [[ -d /proc/$pid ]] &&
        [[ $(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline") == *"$data/postgres/cluster"* ]]
}

make_cluster() {
    [[ ! -f $data/postgres/cluster/PG_VERSION ]] || return 0
    local password=$data/postgres/password
    secret postgres-password >"$password"
    if ((EUID == 0)); then chown postgres: "$password"; fi
    as postgres "$(postgres_tool initdb)" -D "$data/postgres/new" --username=postgres --pwfile="$password" \
        --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 >"$instance/logs/initdb.log" 2>&1 ||
        die "initdb failed: $instance/logs/initdb.log"
    rm -f "$password"
    # Tests kill the server and never the machine: what the system keeps in memory survives that, and a slow disk
    # fails no test. Everybody else's cluster writes through.
    as postgres tee -a "$data/postgres/new/postgresql.conf" >/dev/null <<CONF
fsync = ${MAILLAGE_FSYNC:-on}
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
shared_buffers = 256MB
max_wal_size = 2GB
timezone = 'UTC'
log_timezone = 'UTC'
log_min_duration_statement = 1s
CONF
    mv "$data/postgres/new" "$data/postgres/cluster"
}

# After a crash, a child that still ends keeps the new server from starting for a moment.
try_postgres() {
    postgres_runs ||
        as postgres "$(postgres_tool pg_ctl)" -D "$data/postgres/cluster" -l "$data/postgres/log" -s -w -t 30 \
            -o "-p $POSTGRES_PORT" start >>"$instance/logs/pg_ctl.log" 2>&1
}

start_postgres() {
    make_cluster
    ln -sfn "$data/postgres/log" "$instance/logs/postgres.log"
    until_true 60 try_postgres || die "PostgreSQL did not start: $instance/logs/postgres.log"
}

stop_postgres() {
    postgres_runs || return 0
    as postgres "$(postgres_tool pg_ctl)" -D "$data/postgres/cluster" -s -w -t 30 -m fast stop ||
        as postgres "$(postgres_tool pg_ctl)" -D "$data/postgres/cluster" -s -w -t 30 -m immediate stop
}

# MARK: RabbitMQ

# Our node, and none of the system's configuration.
node_environment() {
    local home=$data/rabbitmq
    printf '%s
' "HOME=$home" "RABBITMQ_NODENAME=$RABBITMQ_NODE" RABBITMQ_CONF_ENV_FILE=/dev/null \
        "RABBITMQ_MNESIA_BASE=$home/mnesia" "RABBITMQ_LOG_BASE=$home/log" \
        "RABBITMQ_CONFIG_FILE=$home/rabbitmq.conf" "RABBITMQ_CONFIG_FILES=$home/none" \
        "RABBITMQ_ADVANCED_CONFIG_FILE=$home/none" "RABBITMQ_ENABLED_PLUGINS_FILE=$home/enabled_plugins" \
        "RABBITMQ_DIST_PORT=$RABBITMQ_DISTRIBUTION_PORT" RUNNING_UNDER_SYSTEMD=1 \
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}" \
        "ERL_EPMD_PORT=$RABBITMQ_EPMD_PORT" ERL_EPMD_ADDRESS=127.0.0.1
}

# rabbitmq COMMAND…: as the node's user.
rabbitmq() {
    local environment
    mapfile -t environment < <(node_environment)
    as rabbitmq "${environment[@]}" "$@"
}

# launch NAME COMMAND…: a daemon of the node's user. The number that is remembered is the daemon's own: every step
# between here and there replaces the process.
launch() {
    local environment user=()
    mapfile -t environment < <(node_environment)
    if ((EUID == 0)); then
        user=(setpriv --reuid=rabbitmq --regid="$(id -g rabbitmq)" --init-groups)
    fi
    cd "$data"
    "${user[@]}" "${clean[@]}" "${environment[@]}" setsid "${@:2}" </dev/null >"$instance/logs/$1.out" 2>&1 &
    remember "$instance/run/$1.pid" $! || die "$1 did not start: $instance/logs/$1.out"
}

configure_rabbitmq() {
    local home=$data/rabbitmq
    as rabbitmq tee "$home/enabled_plugins" >/dev/null <<<'[rabbitmq_management].'
    if [[ ! -f $home/.erlang.cookie ]]; then
        secret erlang-cookie | tr -d '
' | as rabbitmq tee "$home/.erlang.cookie" >/dev/null
        as rabbitmq chmod 400 "$home/.erlang.cookie"
    fi
    as rabbitmq tee "$home/rabbitmq.conf" >/dev/null <<CONF
listeners.tcp.1 = 127.0.0.1:$RABBITMQ_PORT
default_user = administrator
default_pass = $(secret rabbitmq-password)
management.tcp.ip = 127.0.0.1
management.tcp.port = $RABBITMQ_MANAGEMENT_PORT
log.console = false
log.file = rabbit.log
disk_free_limit.absolute = 500MB
max_message_size = 1048576
raft.wal_max_size_bytes = ${MAILLAGE_RAFT_WAL_BYTES:-134217728}
CONF
}

# The name server of Erlang nodes is ours too: `erl` would start one that nobody ends.
start_epmd() {
    is_gone "$instance/run/epmd.pid" || return 0
    launch epmd epmd -port "$RABBITMQ_EPMD_PORT" -address 127.0.0.1
}

rabbitmq_answers() {
    remembered "$instance/run/rabbitmq.pid" >/dev/null || die "RabbitMQ ended while starting: $instance/logs/rabbitmq.log"
    is_busy "$RABBITMQ_PORT"
}

start_rabbitmq() {
    local server=/usr/lib/rabbitmq/bin/rabbitmq-server
    [[ -x $server ]] || die "no rabbitmq-server here: run deploy/local/packages.sh"
    configure_rabbitmq
    ln -sfn "$data/rabbitmq/log/rabbit.log" "$instance/logs/rabbitmq.log"
    start_epmd
    if is_gone "$instance/run/rabbitmq.pid"; then launch rabbitmq "$server"; fi
    until_true 90 rabbitmq_answers || die "RabbitMQ did not start: $instance/logs/rabbitmq.log"
}

stop_rabbitmq() {
    end "$instance/run/rabbitmq.pid" 30
    end "$instance/run/epmd.pid" 5
}

# MARK: Commands

start() {
    mkdir -p "$instance/run" "$instance/logs"
    make_data
    choose_ports
    set_fact MAILLAGE_INSTANCE "$instance"
    # An instance may name ports in front of its servers, through which the services then reach them.
    POSTGRES_ADDRESS=127.0.0.1:${POSTGRES_FRONT_PORT:-$POSTGRES_PORT} \
        BROKER_ADDRESS=127.0.0.1:${RABBITMQ_FRONT_PORT:-$RABBITMQ_PORT} \
        BROKER_MANAGEMENT_ADDRESS=127.0.0.1:$RABBITMQ_MANAGEMENT_PORT \
        "$repository/deploy/secrets.sh" "$instance/secrets"
    start_postgres &
    local postgres=$!
    start_rabbitmq
    wait "$postgres" || exit 1
}

# with_data COMMAND…: nothing to do where nothing was ever started.
with_data() {
    [[ -f $instance/data/$marker && -n ${POSTGRES_PORT:-} ]] || return 0
    data=$(cd "$instance/data" && pwd -P)
    "$@"
}

stop() {
    stop_rabbitmq
    stop_postgres
}

remove() {
    stop
    rm -rf -- "$data"
    rm -rf -- "$instance/data"
}

status() {
    if postgres_runs; then say "postgres  127.0.0.1:$POSTGRES_PORT"; else say "postgres  stopped"; fi
    if is_gone "$instance/run/rabbitmq.pid"; then say "rabbitmq  stopped"; else say "rabbitmq  127.0.0.1:$RABBITMQ_PORT"; fi
}

# crash: for fault runs. `start` mends both servers, `mend` one without waiting for the other.
crash_postgres() { kill -s KILL "$(head -n 1 "$data/postgres/cluster/postmaster.pid")"; }
crash_rabbitmq() { kill -s KILL "$(remembered "$instance/run/rabbitmq.pid")"; }

[[ $# -ge 2 ]] || die "usage: servers.sh start|stop|remove|status|kill-…|mend-…|rabbitmqctl DIRECTORY"
command=$1
load_instance "$2"
shift 2
case $command in
start) start ;;
stop) with_data stop ;;
remove) with_data remove ;;
status) with_data status ;;
kill-postgres) with_data crash_postgres ;;
kill-rabbitmq) with_data crash_rabbitmq ;;
mend-postgres) with_data start_postgres ;;
mend-rabbitmq) with_data start_rabbitmq ;;
rabbitmqctl) with_data rabbitmq /usr/lib/rabbitmq/bin/rabbitmqctl "$@" ;;
*) die "unknown command: $command" ;;
esac
