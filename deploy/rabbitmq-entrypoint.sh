#!/usr/bin/env bash
# Puts the secrets where the broker wants them, readable by itself alone, then starts it as the image does.
set -euo pipefail

# keep SECRET FILE
keep() {
    tr -d '\n' <"/run/secrets/$1" >"$2.new"
    own "$2"
}
own() {
    chown rabbitmq: "$1.new"
    chmod 400 "$1.new"
    mv -f "$1.new" "$1"
}

data=/var/lib/rabbitmq
mkdir -p "$data/tls" /etc/rabbitmq/conf.d
keep erlang-cookie "$data/.erlang.cookie"
# take SECRET FILE
take() {
    cp "/run/secrets/$1" "$data/tls/$2.new"
    own "$data/tls/$2"
}
take broker-tls-certificate.pem certificate.pem
take broker-tls-key.pem key.pem
take publishers-authority.pem publishers-authority.pem
chown rabbitmq: "$data" "$data/tls"
# Taken only by a node that starts for the first time; there is no user `guest` then.
printf 'default_user = administrator\ndefault_pass = %s\n' "$(</run/secrets/rabbitmq-password)" \
    >/etc/rabbitmq/conf.d/90-administrator.conf.new
own /etc/rabbitmq/conf.d/90-administrator.conf
cp /deploy/rabbitmq.conf /etc/rabbitmq/conf.d/50-maillage.conf
# The image's own, and what lets a client certificate log in.
printf '[rabbitmq_auth_mechanism_ssl,rabbitmq_management,rabbitmq_prometheus].\n' >/etc/rabbitmq/enabled_plugins.new
chmod 644 /etc/rabbitmq/enabled_plugins.new
mv -f /etc/rabbitmq/enabled_plugins.new /etc/rabbitmq/enabled_plugins
exec docker-entrypoint.sh rabbitmq-server
