#!/bin/sh
# Builds the peer programs into the folder that is named, without a module proxy: Debian packages what they need.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=${1:?the folder for the programs}
mkdir -p "$target"
target=$(cd "$target" && pwd)
# shellcheck disable=SC2046 # several words are what pkg-config answers with
cc -O2 -Wall -Wextra -Werror -o "$target/relay" "$here/relay.c" $(pkg-config --cflags --libs libpq librabbitmq)
cd "$here/go"
GOPATH="$here/go:/usr/share/gocode" GO111MODULE=off GOFLAGS= go build -o "$target/peer" ./src/peer
