#!/usr/bin/env bash
# bench.sh BINARY DIRECTORY [ARGUMENT…]: the benchmarks on a private PostgreSQL and RabbitMQ of their own, which are gone
# afterwards. The arguments go to the program: `--only relay`, `--count 20000`.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

here=$repository/deploy/local
[[ $# -ge 2 ]] || die "usage: bench.sh BINARY DIRECTORY [ARGUMENT…]"
binary=$(absolute "$1")
load_instance "$2"
shift 2

"$here/servers.sh" remove "$instance"
trap '"$here/servers.sh" remove "$instance" >/dev/null 2>&1 || say "could not remove all of $instance"' EXIT
trap 'exit 130' INT TERM
"$here/servers.sh" start "$instance"
load_instance "$instance"
secret() { cat "$instance/secrets/$1"; }
MAILLAGE_BENCH_DATABASE_URL="postgresql://postgres:$(secret postgres-password)@127.0.0.1:$POSTGRES_PORT/postgres"
MAILLAGE_BENCH_BROKER_URL="amqp://administrator:$(secret rabbitmq-password)@127.0.0.1:$RABBITMQ_PORT/%2F"
export MAILLAGE_BENCH_DATABASE_URL MAILLAGE_BENCH_BROKER_URL
cd "$repository"
"$binary" "$@"
