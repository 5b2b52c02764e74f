#!/usr/bin/env bash
# services.sh start|stop|status|prepare|logs DIRECTORY · restart|kill|settings NAME DIRECTORY · run NAME COMMAND… DIRECTORY
#
# The five services of one instance, each its own process with a supervisor that starts it again whenever it ends.
# `prepare` migrates the schemas and applies the topology; `start` does that first. `kill` ends one service with -9.
# `settings` shows what its `serve` is given; `run` is another command of a service, with all that it may need.
# The programs are taken from MAILLAGE_BINARIES (default: .build/debug).
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

readonly ready_seconds_max=60
# A service that ends sooner than this after its start is started again more and more slowly, up to this delay.
readonly healthy_seconds=5 delay_seconds_max=10

usage() {
    die "usage: services.sh start|stop|status|prepare|logs DIRECTORY, restart|kill|settings NAME DIRECTORY, run NAME COMMAND… DIRECTORY"
}

# MARK: Configuration

choose_ports() {
    [[ -z ${APPLICATIONS_PORT:-} ]] || return 0
    local ports index
    mapfile -t ports < <(free_ports "${#services[@]}")
    for index in "${!services[@]}"; do set_fact "${services[index]^^}_PORT" "${ports[index]}"; done
}

port() {
    local name=${1^^}_PORT
    printf '%s\n' "${!name}"
}

# settings SERVICE: what `serve` is given, one NAME=value a line. No secret is among them, only where it lies.
settings() {
    local secrets=$instance/secrets
    printf '%s\n' MAILLAGE_ENVIRONMENT=development \
        MAILLAGE_HTTP_HOST=127.0.0.1 "MAILLAGE_HTTP_PORT=$(port "$1")" \
        "MAILLAGE_DATABASE_URL_FILE=$secrets/database-url-$1" "MAILLAGE_BROKER_URL_FILE=$secrets/broker-url-$1" \
        "MAILLAGE_IDENTITY_PUBLIC_KEY_FILE=$secrets/identity-public.pem" \
        MAILLAGE_IDENTITY_ISSUER=maillage-development MAILLAGE_IDENTITY_AUDIENCE=maillage \
        "MAILLAGE_CHECKPOINT_INTERVAL=${MAILLAGE_CHECKPOINT_INTERVAL:-5s}" \
        "MAILLAGE_CLOCK_OFFSET_FILE=$instance/clock" "MAILLAGE_LOG_LEVEL=${MAILLAGE_LOG_LEVEL:-info}"
    if [[ $1 == feedback ]]; then
        printf '%s\n' "MAILLAGE_BROKER_OUTSIDE_URL_FILE=$secrets/broker-outside-url" \
            "MAILLAGE_FEEDBACK_CONTENT_KEY_FILE=$secrets/feedback-content-key" \
            "MAILLAGE_BROKER_OUTSIDE_MANAGEMENT_URL_FILE=$secrets/broker-management-url"
    fi
}

# owner_settings SERVICE: the secrets that `serve` never holds.
owner_settings() {
    local secrets=$instance/secrets
    printf '%s\n' "MAILLAGE_DATABASE_OWNER_URL_FILE=$secrets/database-owner-url-$1" \
        "MAILLAGE_BROKER_ADMIN_URL_FILE=$secrets/broker-admin-url" \
        "MAILLAGE_BROKER_MANAGEMENT_URL_FILE=$secrets/broker-management-url"
    if [[ $1 == feedback ]]; then
        printf '%s\n' "MAILLAGE_BROKER_OUTSIDE_ADMIN_URL_FILE=$secrets/broker-outside-admin-url"
    fi
}

binary() {
    local path=${MAILLAGE_BINARIES:-$repository/.build/debug}/$1
    [[ -x $path ]] || die "$path is not built: run make build"
    printf '%s\n' "$path"
}

# MARK: Preparing

prepare_one() {
    local log=$instance/logs/prepare-$1.log environment program
    program=$(binary "$1")
    mapfile -t environment < <(settings "$1" && owner_settings "$1")
    "${clean[@]}" "${environment[@]}" "$program" migrate >"$log" 2>&1 || { tail -n 5 "$log" >&2 && die "$1 migrate failed: $log"; }
    "${clean[@]}" "${environment[@]}" "$program" topology apply >>"$log" 2>&1 ||
        { tail -n 5 "$log" >&2 && die "$1 topology apply failed: $log"; }
    [[ $1 == feedback ]] || return 0
    "${clean[@]}" "${environment[@]}" "FEEDBACK=$program" "FIRST_PUBLISHERS=$MAILLAGE_PUBLISHERS" \
        "PUBLISHER_QUEUE_BYTES=${PUBLISHER_QUEUE_BYTES:-67108864}" \
        "$repository/deploy/publishers.sh" "$instance/secrets" >>"$log" 2>&1 ||
        { tail -n 5 "$log" >&2 && die "the publishers could not be set up: $log"; }
}

prepare() {
    local service jobs=() job
    for service in "${services[@]}"; do
        prepare_one "$service" &
        jobs+=($!)
    done
    for job in "${jobs[@]}"; do wait "$job"; done
}

# MARK: Running

# supervise SERVICE: runs for as long as the service shall; a TERM to it is passed on and ends both.
supervise() {
    local service=$1 environment program child="" delay=0 began status
    program=$(binary "$service")
    mapfile -t environment < <(settings "$service")
    trap 'trap "" TERM; [[ -z $child ]] || kill -s TERM "$child" 2>/dev/null; wait "$child" 2>/dev/null; exit 0' TERM
    while :; do
        began=$SECONDS
        "${clean[@]}" "${environment[@]}" "$program" serve &
        child=$!
        remember "$instance/run/$service.pid" "$child" || true
        wait "$child" && status=0 || status=$?
        if ((SECONDS - began >= healthy_seconds)); then delay=0; else delay=$((delay < delay_seconds_max ? delay + 1 : delay)); fi
        printf '{"level":"error","message":"supervisor: %s ended with status %d, starting again"}\n' "$service" "$status"
        # In the background, so that a TERM during the delay is heard at once.
        sleep "$((delay > 1 ? delay : 0))" &
        child=$!
        wait "$child" || true
    done
}

is_ready() {
    local line
    { exec 4<>"/dev/tcp/127.0.0.1/$(port "$1")"; } 2>/dev/null || return 1
    printf 'GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&4
    read -r -t 5 line <&4 || line=
    exec 4>&-
    [[ $line == "HTTP/1.1 200"* ]]
}

start_one() {
    if is_gone "$instance/run/$1.supervisor.pid"; then
        # Out of our process group and without our terminal: a Ctrl-C here is not meant for it.
        setsid "$repository/deploy/local/services.sh" supervise "$1" "$instance" \
            </dev/null >>"$instance/logs/$1.log" 2>&1 &
        remember "$instance/run/$1.supervisor.pid" $! || die "$1 did not start: $instance/logs/$1.log"
    fi
}

start() {
    local service
    choose_ports
    [[ -e $instance/clock ]] || echo 0 >"$instance/clock"
    prepare
    for service in "${services[@]}"; do start_one "$service"; done
    for service in "${services[@]}"; do
        until_true "$ready_seconds_max" is_ready "$service" ||
            { tail -n 5 "$instance/logs/$service.log" >&2 && die "$service is not ready: $instance/logs/$service.log"; }
    done
}

stop() {
    local service jobs=()
    for service in "${services[@]}"; do
        end "$instance/run/$service.supervisor.pid" 20 &
        jobs+=($!)
    done
    wait "${jobs[@]}"
    # Left behind only where a supervisor was itself killed.
    for service in "${services[@]}"; do end "$instance/run/$service.pid" 5; done
}

status() {
    local service state
    for service in "${services[@]}"; do
        state="stopped"
        if ! is_gone "$instance/run/$service.pid"; then state="running"; fi
        if [[ $state == running ]] && is_ready "$service"; then state="ready"; fi
        printf '%-16s http://127.0.0.1:%s  %s\n' "$service" "$(port "$service")" "$state" >&2
    done
}

# run SERVICE ARGUMENTS…: the service's program with everything that its commands need.
run() {
    local environment program
    program=$(binary "$1")
    mapfile -t environment < <(settings "$1" && owner_settings "$1")
    exec "${clean[@]}" "${environment[@]}" "$program" "${@:2}"
}

signal_one() {
    local pid
    [[ " ${services[*]} " == *" $1 "* ]] || die "no service $1; there are ${services[*]}"
    pid=$(remembered "$instance/run/$1.pid") || die "$1 does not run"
    kill -s "$2" "$pid"
}

command=${1:-}
[[ $# -ge 2 ]] || usage
load_instance "${!#}"
MAILLAGE_PUBLISHERS=${MAILLAGE_PUBLISHERS:-telesuivi enquetes}
case $command in
start) start ;;
stop) stop ;;
prepare) choose_ports && prepare ;;
status) status ;;
logs) cd "$instance/logs" && exec tail -n 20 -F "${services[@]/%/.log}" ;;
restart) signal_one "$2" TERM ;;
kill) signal_one "$2" KILL ;;
run) run "${@:2:$#-2}" ;;
settings) choose_ports && settings "$2" ;;
supervise) supervise "$2" ;;
*) usage ;;
esac
