#!/usr/bin/env bash
# demo.sh DIRECTORY [ARGUMENT…]: a clean instance in DIRECTORY, the whole wave driven through it, and everything gone
# afterwards unless KEEP=1. The arguments go to the driver (Tests/SystemTests/driver). EVENTS=N makes a scenario of N
# messages instead of the 20,000 of wave-1.json.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

here=$repository/deploy/local
[[ $# -ge 1 ]] || die "usage: demo.sh DIRECTORY [ARGUMENT…]"
instance=$(absolute "$1")

# Two at once would remove each other's servers. The lock is not handed on to what the run leaves behind.
if [[ ${MAILLAGE_DEMO_LOCK:-} != "$instance" ]]; then
    mkdir -p "$(dirname "$instance")"
    export MAILLAGE_DEMO_LOCK=$instance
    flock --nonblock --conflict-exit-code 75 --close "$instance.lock" "$0" "$@" && exit 0
    status=$?
    ((status != 75)) || die "another run uses $instance"
    exit "$status"
fi
shift
arguments=("$@")

# The last line belongs to the driver: what tidies up says nothing.
tidy_up() {
    local status=$?
    trap - EXIT
    rm -f "$instance.scenario.json"
    [[ ${KEEP:-0} != 1 ]] || exit "$status"
    # Logs of a failed run are what one needs next.
    if ((status != 0)) && [[ -d $instance/logs ]]; then
        rm -rf "$instance.logs"
        cp -rL "$instance/logs" "$instance.logs" 2>/dev/null || true
        say "logs: $instance.logs"
    fi
    "$here/instance.sh" remove "$instance" >/dev/null 2>&1 || say "could not remove all of $instance"
    exit "$status"
}

"$here/instance.sh" remove "$instance"
trap tidy_up EXIT
trap 'exit 130' INT TERM
began=$SECONDS
"$here/instance.sh" up "$instance"
say "servers and services are up after $((SECONDS - began)) s"
[[ ${KEEP:-0} != 1 ]] || say "they stay: make status INSTANCE=$instance, make down"
if [[ -n ${EVENTS:-} ]]; then
    /usr/bin/python3 "$repository/Tests/Resources/scenarios/generate.py" --events "$EVENTS" >"$instance.scenario.json"
    arguments+=(--scenario "$instance.scenario.json")
fi
PYTHONPATH=$repository/Tests/SystemTests PYTHONDONTWRITEBYTECODE=1 \
    /usr/bin/python3 -m driver --instance "$instance" ${KILL:+--kill "$KILL"} "${arguments[@]}"
