#!/usr/bin/env bash
# broker.sh SECRETS: virtual hosts, users and limits of the broker. Run again, it changes nothing but passwords.
# Exchanges, queues, bindings, policies and what the services' users may do are `topology apply`'s, which `topology check`
# compares; all that belongs to a publisher is `feedback publishers`'.
#
#   RABBITMQCTL           command that administers the broker (default: rabbitmqctl)
#   RABBITMQ_DEFINITIONS  path that the command reads our definitions under (default: none, which is standard input)
#
# All of it goes in as one definitions document: one command per user and policy would take a minute.
set -euo pipefail
secrets=$(cd "${1:?usage: broker.sh SECRETS}" && pwd -P)
readonly services=(applications funding experimentation feedback reporting)
read -r -a rabbitmqctl <<<"${RABBITMQCTL:-rabbitmqctl}"

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
