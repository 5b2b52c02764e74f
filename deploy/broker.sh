#!/usr/bin/env bash
# broker.sh SECRETS: virtual hosts, users and limits of the broker. Run again, it changes nothing but passwords.
# Exchanges, queues, bindings, policies and what the services' and publishers' users may do are `topology apply`'s, which
# `topology check` compares.
#
#   RABBITMQCTL           command that administers the broker (default: rabbitmqctl)
#   RABBITMQ_DEFINITIONS  path that the command reads our definitions under (default: none, which is standard input)
#   MAILLAGE_PUBLISHERS   names of the outside publishers, separated by spaces
#
# All of it goes in as one definitions document: one command per user and policy would take a minute.
set -euo pipefail
secrets=$(cd "${1:?usage: broker.sh SECRETS}" && pwd -P)
readonly services=(applications funding experimentation feedback reporting)
read -r -a publishers <<<"${MAILLAGE_PUBLISHERS:-telesuivi enquetes}"
read -r -a rabbitmqctl <<<"${RABBITMQCTL:-rabbitmqctl}"

for publisher in "${publishers[@]}"; do
    [[ $publisher =~ ^[a-z0-9-]{2,40}$ ]] || { echo "not a publisher's name: $publisher" >&2 && exit 1; }
done

# joined: lines of standard input, with commas between them.
joined() { paste -s -d , -; }

user() { # NAME SECRET TAG [LIMITS]
    printf '{"name":"%s","password":"%s","tags":"%s","limits":%s}\n' "$1" "$(<"$secrets/$2")" "$3" "${4:-{\}}"
}

permission() { # USER VHOST CONFIGURE WRITE READ
    printf '{"user":"%s","vhost":"%s","configure":"%s","write":"%s","read":"%s"}\n' "$@"
}

users() {
    user administrator rabbitmq-password administrator
    user maillage-topology broker-topology ""
    for service in "${services[@]}"; do user "maillage-$service" "broker-$service" ""; done
    user maillage-feedback-outside broker-feedback-outside ""
    for publisher in "${publishers[@]}"; do
        user "$publisher" "publisher-$publisher" "" '{"max-connections":4,"max-channels":8}'
    done
}

permissions() {
    permission administrator maillage '.*' '.*' '.*'
    permission administrator outside '.*' '.*' '.*'
    permission maillage-topology maillage '.*' '.*' '.*'
    permission maillage-topology outside '.*' '.*' '.*'
}

definitions() {
    cat <<JSON
{"vhosts": [{"name": "maillage"}, {"name": "outside"}],
 "users": [$(users | joined)],
 "permissions": [$(permissions | joined)],
 "parameters": [{"vhost": "outside", "component": "vhost-limits", "name": "limits",
                 "value": {"max-connections": 500, "max-queues": 500}}]}
JSON
}

if [[ ${2:-} == --print ]]; then
    definitions
else
    # shellcheck disable=SC2086 # no path is no argument
    definitions | "${rabbitmqctl[@]}" --quiet import_definitions ${RABBITMQ_DEFINITIONS:-}
fi
