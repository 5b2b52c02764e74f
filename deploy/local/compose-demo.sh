#!/usr/bin/env bash
# compose-demo.sh DIRECTORY: builds the images, brings docker-compose.yml up with secrets, ports and volumes of its own,
# drives the whole wave through the proxy and the broker's TLS port, scales two services in the middle of it, and
# removes everything again unless KEEP=1.
#
#   COMPOSE   the compose command (default: docker compose)
#   BUILD     builds an image of this folder: BUILD TAG --target STAGE (default: docker build . --tag)
#   SCALE     what is scaled in mid-run (default: feedback=3 reporting=2); empty for nothing
#   EVENTS    a scenario of that many messages instead of the 20,000 of wave-1.json
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

readonly ready_seconds_max=300
[[ $# -eq 1 ]] || die "usage: compose-demo.sh DIRECTORY"
instance=$(absolute "$1")
cd "$repository"
read -r -a compose <<<"${COMPOSE:-docker compose}"
read -r -a build <<<"${BUILD:-docker build . --tag}"
compose+=(--project-name maillage-demo --file docker-compose.yml --file deploy/compose.demo.yml)
export MAILLAGE_SECRETS=$instance/secrets MAILLAGE_CLOCK=$instance/clock

remove() { "${compose[@]}" down --volumes --remove-orphans --timeout 20 >>"$instance/compose.log" 2>&1; }

tidy_up() {
    local status=$?
    trap - EXIT
    [[ ${KEEP:-0} != 1 ]] || exit "$status"
    if ((status != 0)); then
        "${compose[@]}" ps --all >"$instance/containers.txt" 2>&1 || true
        "${compose[@]}" logs --no-color >"$instance/containers.log" 2>&1 || true
        say "logs: $instance/containers.log, $instance/compose.log"
    fi
    remove || say "could not remove all containers: $instance/compose.log"
    exit "$status"
}

run() { "$@" >>"$instance/compose.log" 2>&1 || { tail -n 15 "$instance/compose.log" >&2 && die "failed: $*"; }; }

# The proxy answers, and behind it every service does: its description needs no token.
is_ready() {
    "${compose[@]}" exec -T caddy cat /data/caddy/pki/authorities/local/root.crt \
        >"$instance/secrets/gateway-authority.pem" 2>/dev/null || return 1
    /usr/bin/python3 - "$instance/secrets/gateway-authority.pem" "${services[@]}" 2>/dev/null <<'PYTHON'
import os, ssl, sys, urllib.request
trust = ssl.create_default_context(cafile=sys.argv[1])
for service in sys.argv[2:]:
    url = f"https://localhost:{os.environ['MAILLAGE_HTTPS_PORT']}/{service}/openapi.yaml"
    urllib.request.urlopen(url, timeout=5, context=trust).read()
PYTHON
}

mkdir -p "$instance/secrets" "$MAILLAGE_CLOCK"
: >"$instance/compose.log"
# A demo starts clean: what an earlier one left is not read again.
remove || true
rm -f "$instance/env"
{ read -r MAILLAGE_HTTPS_PORT && read -r MAILLAGE_AMQPS_PORT; } < <(free_ports 2)
export MAILLAGE_HTTPS_PORT MAILLAGE_AMQPS_PORT
set_fact GATEWAY_PORT "$MAILLAGE_HTTPS_PORT"
set_fact AMQPS_PORT "$MAILLAGE_AMQPS_PORT"
deploy/secrets.sh "$instance/secrets"
# The services' user in the containers reads the clock.
chmod 755 "$MAILLAGE_CLOCK"
echo 0 >"$MAILLAGE_CLOCK/clock"
chmod 644 "$MAILLAGE_CLOCK/clock"

began=$SECONDS
for service in "${services[@]}"; do run "${build[@]}" "maillage-$service" --target "$service"; done
say "five images are built after $((SECONDS - began)) s"
trap tidy_up EXIT
trap 'exit 130' INT TERM
began=$SECONDS
run "${compose[@]}" up --detach --no-build
until_true "$ready_seconds_max" is_ready || die "the system is not ready after $ready_seconds_max s"
say "all containers are up after $((SECONDS - began)) s"

arguments=()
if [[ -n ${EVENTS:-} ]]; then
    /usr/bin/python3 Tests/Resources/scenarios/generate.py --events "$EVENTS" >"$instance/scenario.json"
    arguments+=(--scenario "$instance/scenario.json")
fi
scale=${SCALE-feedback=3 reporting=2}
if [[ -n $scale ]]; then
    read -r -a scales <<<"$scale"
    midway=("${compose[@]}" up --detach --no-build --no-recreate)
    for part in "${scales[@]}"; do midway+=(--scale "$part"); done
    arguments+=(--midway "${midway[*]@Q}")
fi
umask 022
PYTHONPATH=$repository/Tests/SystemTests PYTHONDONTWRITEBYTECODE=1 \
    /usr/bin/python3 -m driver --instance "$instance" "${arguments[@]}"
