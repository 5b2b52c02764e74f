#!/bin/sh
# Publishes the event on standard input over HTTP and prints its receipt.
# PUBLISHER=user:password FEEDBACK=https://host ./publish.sh <event.json
exec curl --silent --show-error --fail-with-body --retry 5 --retry-all-errors --max-time 30 --user "$PUBLISHER" \
    --header 'content-type: application/cloudevents+json' --data-binary @- "$FEEDBACK/v1/events"
