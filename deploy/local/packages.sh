#!/usr/bin/env bash
# packages.sh [bench|test]
#
# Installs the Debian or Ubuntu packages that are missing: nothing if all are there. Installs as root, or through
# sudo where that asks no password; otherwise prints the line to run and fails. No server is started by it.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# What a build, the private servers and the demo's driver need.
readonly build=(make git g++ libc6-dev zlib1g-dev pkg-config libexpat1-dev libpq-dev librabbitmq-dev)
readonly servers=(rabbitmq-server)
readonly tools=(python3 python3-pika openssl ca-certificates tzdata)
# What the outside systems of docs/publishing are built with and run on, and what their schemas are checked by.
readonly outside=(curl golang golang-github-rabbitmq-amqp091-go-dev python3-jsonschema python3-yaml)
# What the benchmarks' peer programs are built with.
readonly peers=(golang golang-github-rabbitmq-amqp091-go-dev golang-github-jackc-pgx-v4-dev golang-github-gofrs-uuid-dev
    python3-venv)
# What the pages are tested in; fonts, since a browser without any shows boxes.
readonly browser=(chromium fonts-dejavu-core python3-venv)

wanted=("${build[@]}" "${servers[@]}" "${tools[@]}")
case ${1:-} in
'') ;;
bench) wanted+=("${peers[@]}") ;;
test) wanted+=("${browser[@]}" "${outside[@]}") ;;
*) die "usage: packages.sh [bench|test]" ;;
esac

is_installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# Any version will do, also one from another repository than the distribution's.
has_postgres() { compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null && command -v psql >/dev/null; }

missing=()
for package in "${wanted[@]}"; do
    is_installed "$package" || missing+=("$package")
done
has_postgres || missing+=(postgresql postgresql-client)
((${#missing[@]})) || exit 0

command -v apt-get >/dev/null || die "these packages are missing, and there is no apt-get: ${missing[*]}"
privileged=()
if ((EUID != 0)); then
    if ! { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }; then
        say "packages are missing; install them and run this again:"
        say "  sudo apt-get update && sudo apt-get install --no-install-recommends ${missing[*]}"
        exit 1
    fi
    privileged=(sudo -n)
fi

# A policy of 101 forbids packages to start what they bring; a policy that was there before is respected and kept.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
    trap '"${privileged[@]}" rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | "${privileged[@]}" tee "$policy" >/dev/null
    "${privileged[@]}" chmod 755 "$policy"
fi

say "installing ${missing[*]}"
log=$(mktemp)
apt() { "${privileged[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 "$@"; }
if ! { apt update && apt install --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    die "apt-get failed; its whole output is in $log"
fi
rm -f "$log"
