#!/usr/bin/env bash
# broker.sh SECRETS: virtual hosts, users, permissions, limits and policies of the broker. Run again, it changes
# nothing but passwords. Exchanges, queues and bindings are `topology apply`'s, but for the dead letters' below.
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

# An outsider's queue takes this many bytes before it rejects, its receipts this many messages before the oldest go.
readonly intake_bytes_max=${MAILLAGE_INTAKE_BYTES_MAX:-67108864}
readonly receipts_messages_max=${MAILLAGE_RECEIPTS_MESSAGES_MAX:-20000}
# The last net under what a service retries and quarantines by itself.
readonly delivery_limit=100

for publisher in "${publishers[@]}"; do
    [[ $publisher =~ ^[a-z0-9-]{2,40}$ ]] || { echo "not a publisher's name: $publisher" >&2 && exit 1; }
done

# joined: lines of standard input, with commas between them.
joined() { paste -s -d , -; }

user() { # NAME SECRET TAG [LIMITS]
    printf '{"name":"%s","password":"%s","tags":"%s","limits":%s}\n' "$1" "$(<"$secrets/$2")" "$3" "${4:-{\}}"
}

# Patterns end in \z: a $ would also let a name pass that ends in a line feed. '^$' permits nothing.
permission() { # USER VHOST CONFIGURE WRITE READ
    printf '{"user":"%s","vhost":"%s","configure":"%s","write":"%s","read":"%s"}\n' "$@"
}

policy() { # VHOST NAME PATTERN DEFINITION
    printf '{"vhost":"%s","name":"%s","pattern":"%s","apply-to":"queues","priority":10,"definition":%s}\n' "$@"
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
    for service in "${services[@]}"; do
        permission "maillage-$service" maillage '^$' "^maillage\\\\.$service\\\\z" \
            "^maillage\\\\.$service\\\\.(inbox|dead)\\\\z"
    done
    permission maillage-feedback-outside outside '^$' '^(amq\\.default|feedback\\.receipts\\.[a-z0-9-]+)\\z' \
        '^feedback\\.(in\\.[a-z0-9-]+|dead)\\z'
    for publisher in "${publishers[@]}"; do
        permission "$publisher" outside '^$' "^feedback\\\\.in\\\\.$publisher\\\\z" \
            "^feedback\\\\.receipts\\\\.$publisher\\\\z"
    done
}

# At-least-once dead-lettering needs reject-publish; without a maximum length nothing is ever rejected.
safe_dead_letters() { # EXCHANGE ROUTING-KEY
    printf '"delivery-limit":%d,"dead-letter-exchange":"%s","dead-letter-routing-key":"%s",' \
        "$delivery_limit" "$1" "$2"
    printf '"dead-letter-strategy":"at-least-once","overflow":"reject-publish"'
}

policies() {
    for service in "${services[@]}"; do
        policy maillage "inbox-$service" "^maillage\\\\.$service\\\\.(inbox|replay\\\\.[0-9]+)\\\\z" \
            "{$(safe_dead_letters maillage.dead "$service")}"
    done
    # Nothing takes in what a queue of dead letters would drop, so it keeps everything; without a limit of its own,
    # RabbitMQ 4 drops a message at its 20th return.
    policy maillage dead '^maillage\\.[a-z]+\\.dead\\z' '{"delivery-limit":1000000000}'
    policy outside dead '^feedback\\.dead\\z' '{"delivery-limit":1000000000}'
    policy outside intake '^feedback\\.in\\.' \
        "{$(safe_dead_letters feedback.dead intake),\"max-length-bytes\":$intake_bytes_max}"
    policy outside receipts '^feedback\\.receipts\\.' \
        "{\"max-length\":$receipts_messages_max,\"overflow\":\"drop-head\"}"
}

exchange() { # VHOST NAME
    printf '{"vhost":"%s","name":"%s","type":"direct","durable":true,"auto_delete":false,' "$@"
    printf '"internal":false,"arguments":{}}\n'
}
queue() { # VHOST NAME
    printf '{"vhost":"%s","name":"%s","durable":true,"auto_delete":false,' "$@"
    printf '"arguments":{"x-queue-type":"quorum"}}\n'
}
binding() { # VHOST EXCHANGE KEY QUEUE
    printf '{"vhost":"%s","source":"%s","routing_key":"%s","destination":"%s","destination_type":"queue",' "$@"
    printf '"arguments":{}}\n'
}

# One queue of dead letters per service, which that service alone drains.
exchanges() { exchange maillage maillage.dead && exchange outside feedback.dead; }
queues() {
    for service in "${services[@]}"; do queue maillage "maillage.$service.dead"; done
    queue outside feedback.dead
}
bindings() {
    for service in "${services[@]}"; do binding maillage maillage.dead "$service" "maillage.$service.dead"; done
    binding outside feedback.dead intake feedback.dead
}

definitions() {
    cat <<JSON
{"vhosts": [{"name": "maillage"}, {"name": "outside"}],
 "users": [$(users | joined)],
 "permissions": [$(permissions | joined)],
 "parameters": [{"vhost": "outside", "component": "vhost-limits", "name": "limits",
                 "value": {"max-connections": 500, "max-queues": 500}}],
 "policies": [$(policies | joined)],
 "exchanges": [$(exchanges | joined)],
 "queues": [$(queues | joined)],
 "bindings": [$(bindings | joined)]}
JSON
}

if [[ ${2:-} == --print ]]; then
    definitions
else
    # shellcheck disable=SC2086 # no path is no argument
    definitions | "${rabbitmqctl[@]}" --quiet import_definitions ${RABBITMQ_DEFINITIONS:-}
fi
