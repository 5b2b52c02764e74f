#!/usr/bin/env bash
# bench.sh BINARY DIRECTORY [ARGUMENT…]: the benchmarks on a private PostgreSQL and RabbitMQ of their own, which are
# gone afterwards. The services are the programs beside BINARY. The arguments go to it: `--only relay`, `--count 20000`.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

here=$repository/deploy/local
[[ $# -ge 2 ]] || die "usage: bench.sh BINARY DIRECTORY [ARGUMENT…]"
binary=$(absolute "$1")
load_instance "$2"
shift 2

# What an interrupted run leaves of the services that it started, then all the rest.
tidy_up() {
    local status=$? note
    trap - EXIT
    # Logs of a failed run are what one needs next.
    if ((status != 0)); then
        rm -rf "$instance.logs"
        cp -rL "$instance/logs" "$instance.logs" 2>/dev/null || true
        say "logs: $instance.logs"
    fi
    for note in "$instance"/run/bench-*.pid; do [[ ! -e $note ]] || end "$note" 10; done
    "$here/instance.sh" remove "$instance" >/dev/null 2>&1 || say "could not remove all of $instance"
    exit "$status"
}

# A publisher's queue takes a whole round before the intake begins.
export MAILLAGE_FEEDBACK_INTAKE_BYTES=10737418240
# As it is deployed: what RabbitMQ gathers before it sorts it into the queues' files, which takes it a second and a half.
export MAILLAGE_RAFT_WAL_BYTES=536870912
"$here/instance.sh" remove "$instance"
trap tidy_up EXIT
trap 'exit 130' INT TERM
"$here/instance.sh" servers "$instance"
load_instance "$instance"
secret() { cat "$instance/secrets/$1"; }
export MAILLAGE_BENCH_INSTANCE=$instance
MAILLAGE_BENCH_DATABASE_URL="postgresql://postgres:$(secret postgres-password)@127.0.0.1:$POSTGRES_PORT/postgres"
MAILLAGE_BENCH_BROKER_URL="amqp://administrator:$(secret rabbitmq-password)@127.0.0.1:$RABBITMQ_PORT/%2F"
MAILLAGE_BINARIES=$(absolute "$(dirname "$binary")")
export MAILLAGE_BENCH_DATABASE_URL MAILLAGE_BENCH_BROKER_URL MAILLAGE_BINARIES
cd "$repository"
# Each figure is shown when it is there, also where the output is a file.
stdbuf --output=L "$binary" "$@"
