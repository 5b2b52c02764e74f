# Sourced by the scripts beside it: where things are, and processes known by more than their number.
# shellcheck shell=bash disable=SC2034
set -euo pipefail
umask 077

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
readonly repository
readonly services=(applications funding experimentation feedback reporting)

say() { printf '%s\n' "$*" >&2; }
die() {
    say "error: $*"
    exit 1
}

# absolute PATH: PATH need not exist yet.
absolute() {
    case $1 in
    /*) printf '%s\n' "${1%/}" ;;
    *) printf '%s/%s\n' "$PWD" "${1%/}" ;;
    esac
}

# free_ports COUNT: one port a line, none of them in use. All are held open until the last is known, so they differ.
# None is of those that the system gives to outgoing connections: while a server is down, whoever tries to reach it could
# get its very port as the near end, and the server would not start again.
free_ports() {
    /usr/bin/python3 - "$1" <<'PYTHON'
import pathlib, random, socket, sys
first = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
held = []
while len(held) < int(sys.argv[1]):
    try:
        held.append(socket.create_server(("127.0.0.1", random.randrange(min(10_000, first - 2_000), first))))
    except OSError:
        continue
print(*(s.getsockname()[1] for s in held), sep="\n")
PYTHON
}

# until_true SECONDS COMMAND…: polls; status 1 at the deadline.
until_true() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.1
    done
}

# Processes. A number alone is no proof of identity, since numbers are used again: the start time goes with it.

# started_at PID: when the process began, in clock ticks since the machine's start; status 1 if there is none.
started_at() {
    local line fields
    { line=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
    read -r -a fields <<<"${line##*) }"
    [[ ${fields[0]} != Z ]] || return 1
    printf '%s\n' "${fields[19]}"
}

# remember FILE PID
remember() {
    local start
    start=$(started_at "$2") || return 1
    printf '%s %s\n' "$2" "$start" >"$1.new"
    mv "$1.new" "$1"
}

# remembered FILE: the process's number if that very process still runs.
remembered() {
    local pid start
    { read -r pid start <"$1"; } 2>/dev/null || return 1
    [[ $(started_at "$pid") == "$start" ]] || return 1
    printf '%s\n' "$pid"
}

is_gone() { ! remembered "$1" >/dev/null; }

# end FILE SECONDS [SIGNAL]: asks the process to end, insists after SECONDS.
end() {
    local pid
    pid=$(remembered "$1") || {
        rm -f "$1"
        return 0
    }
    kill -s "${3:-TERM}" "$pid" 2>/dev/null || true
    if ! until_true "$2" is_gone "$1"; then
        say "process $pid did not end within $2 s and is killed"
        kill -s KILL "$pid" 2>/dev/null || true
        until_true 5 is_gone "$1" || die "process $pid cannot be ended"
    fi
    rm -f "$1"
}

# The environment that every process of ours starts from: nothing of the caller's leaks in.
readonly clean=(env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8)

# as USER COMMAND…: as that user when we are root, as ourselves otherwise.
as() {
    if ((EUID == 0)); then
        # Our folder may be closed to that user.
        env --chdir=/ setpriv --reuid="$1" --regid="$(id -g "$1")" --init-groups "${clean[@]}" "${@:2}"
    else
        "${clean[@]}" HOME="${HOME:-/nonexistent}" "${@:2}"
    fi
}

# The instance: one folder with everything that one running copy of the system needs. `env` in it is read by
# `make`, by these scripts and by the demo's driver; it names ports and folders and holds no secret.

# load_instance DIRECTORY
load_instance() {
    instance=$(absolute "$1")
    if [[ -f $instance/env ]]; then
        set -a
        # shellcheck source=/dev/null
        . "$instance/env"
        set +a
    fi
}

# set_fact NAME VALUE: writes or replaces one line of the instance's env.
set_fact() {
    local file=$instance/env
    touch "$file"
    { grep -v "^$1=" "$file" || true; } >"$file.new"
    printf '%s=%q\n' "$1" "$2" >>"$file.new"
    mv "$file.new" "$file"
    export "$1=$2"
}
