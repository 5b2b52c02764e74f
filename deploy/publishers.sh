#!/usr/bin/env bash
# publishers.sh SECRETS [--watch]: registers the publishers that this installation knows from the start, and brings the
# broker to what the publishers' rows say. Run again, it changes nothing. With --watch it goes on doing so.
#
#   FEEDBACK               the feedback program (default: feedback)
#   FIRST_PUBLISHERS       their names, separated by spaces (default: telesuivi enquetes; empty: none). No setting of
#                          the program, which refuses what it does not know and is also called beside this script
#   PUBLISHER_QUEUE_BYTES  what may wait in the queue of each
#
# The passwords are those of SECRETS/publisher-NAME. Whoever comes later is added by `feedback publishers add`.
set -euo pipefail
secrets=$(cd "${1:?usage: publishers.sh SECRETS [--watch]}" && pwd -P)
program=${FEEDBACK:-feedback}
read -r -a publishers <<<"${FIRST_PUBLISHERS-telesuivi enquetes}"

for publisher in "${publishers[@]}"; do
    "$program" publishers add "$publisher" --if-missing --organisation "$publisher" --contact "operator" \
        --secret-file "$secrets/publisher-$publisher" --queue-bytes "${PUBLISHER_QUEUE_BYTES:-67108864}"
done
"$program" publishers provision --all
[[ ${2:-} != --watch ]] || exec "$program" publishers provision --watch
