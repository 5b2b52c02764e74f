#!/bin/sh
# Builds the peer programs into the folder that is named: the compiled ones without a module proxy, since Debian
# packages what they need, the Python one in an environment of its own, from PyPI.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=${1:?the folder for the programs}
mkdir -p "$target"
target=$(cd "$target" && pwd)
# shellcheck disable=SC2046 # several words are what pkg-config answers with
cc -O2 -Wall -Wextra -Werror -o "$target/relay" "$here/relay.c" $(pkg-config --cflags --libs libpq librabbitmq)
if ! cmp -s "$here/requirements.txt" "$target/python/requirements.txt"; then
    rm -rf "$target/python"
    /usr/bin/python3 -m venv "$target/python"
    "$target/python/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
    cp "$here/requirements.txt" "$target/python/requirements.txt"
fi
printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$target/python/bin/python" "$here/fast_stream.py" >"$target/faststream"
chmod +x "$target/faststream"
cd "$here/go"
GOPATH="$here/go:/usr/share/gocode" GO111MODULE=off GOFLAGS= go build -o "$target/peer" ./src/peer
