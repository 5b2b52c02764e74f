#!/usr/bin/env bash
# secrets.sh DIRECTORY: makes every secret that is not there yet, one file each, and the connection URLs from them.
#
#   POSTGRES_ADDRESS, BROKER_ADDRESS, BROKER_MANAGEMENT_ADDRESS
#                                      host:port as the services see them (default: as in docker-compose.yml)
#   MAILLAGE_PUBLISHERS                names of the outside publishers, separated by spaces
#
# Run again, it keeps what is there: delete a file to have it made anew, then run database.sh and broker.sh.
# The folder is closed to others; the files in it are not, because containers read them under other user ids.
set -euo pipefail
directory=${1:?usage: secrets.sh DIRECTORY}
readonly services=(applications funding experimentation feedback reporting)
read -r -a publishers <<<"${MAILLAGE_PUBLISHERS:-telesuivi enquetes}"
postgres=${POSTGRES_ADDRESS:-postgres:5432}
broker=${BROKER_ADDRESS:-rabbitmq:5672}
management=${BROKER_MANAGEMENT_ADDRESS:-rabbitmq:15672}

mkdir -p "$directory"
chmod 700 "$directory"
cd "$directory"

# put NAME: standard input becomes the file, whole or not at all.
put() {
    cat >"$1.new"
    chmod 444 "$1.new"
    mv -f "$1.new" "$1"
}

password() { [[ -s $1 ]] || openssl rand -hex 24 | put "$1"; }

# The development issuer's key pair: tokens are signed with ES256.
identity() {
    [[ -s identity.pem && -s identity-public.pem ]] && return
    openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt | put identity.pem
    openssl pkey -in identity.pem -pubout 2>/dev/null | put identity-public.pem
}

# A certificate for AMQP over TLS, signed by an authority made for this installation alone. Replace the three files
# `broker-tls-*.pem` by a real authority's to let publishers in from other houses.
tls() {
    [[ -s broker-tls-certificate.pem ]] && return
    local name=${MAILLAGE_BROKER_NAME:-localhost}
    openssl ecparam -name prime256v1 -genkey -noout | put broker-tls-authority-key.pem
    openssl req -x509 -new -key broker-tls-authority-key.pem -days 3650 -subj "/CN=Maillage development authority" |
        put broker-tls-authority.pem
    openssl ecparam -name prime256v1 -genkey -noout | put broker-tls-key.pem
    openssl req -new -key broker-tls-key.pem -subj "/CN=$name" |
        openssl x509 -req -CA broker-tls-authority.pem -CAkey broker-tls-authority-key.pem -days 825 \
            -extfile <(printf 'subjectAltName=DNS:%s\nextendedKeyUsage=serverAuth' "$name") 2>/dev/null |
        put broker-tls-certificate.pem
}

# Whoever has a certificate of this authority is the user that it names: publisher-certificate.sh signs for publishers
# alone. The key belongs to whoever registers them, and to no container.
publishers_authority() {
    [[ -s publishers-authority.pem ]] && return
    openssl ecparam -name prime256v1 -genkey -noout | put publishers-authority-key.pem
    openssl req -x509 -new -key publishers-authority-key.pem -days 3650 -subj "/CN=Maillage publishers" |
        put publishers-authority.pem
}

for name in postgres-password rabbitmq-password erlang-cookie broker-topology broker-feedback-outside \
    feedback-content-key \
    "${services[@]/#/database-owner-}" "${services[@]/#/database-}" "${services[@]/#/broker-}" \
    "${publishers[@]/#/publisher-}"; do
    password "$name"
done
identity
tls
publishers_authority

# The secrets that the services read: whole URLs, so that no host name stands beside a password in a compose file.
for service in "${services[@]}"; do
    put "database-url-$service" <<<"postgresql://maillage_$service:$(<"database-$service")@$postgres/maillage"
    put "database-owner-url-$service" \
        <<<"postgresql://maillage_${service}_owner:$(<"database-owner-$service")@$postgres/maillage"
    put "broker-url-$service" <<<"amqp://maillage-$service:$(<"broker-$service")@$broker/maillage"
done
put broker-admin-url <<<"amqp://maillage-topology:$(<broker-topology)@$broker/maillage"
# Permissions are shown to an administrator alone, and set by one. Only `topology` is given this.
put broker-management-url <<<"http://administrator:$(<rabbitmq-password)@$management"
put broker-outside-admin-url <<<"amqp://maillage-topology:$(<broker-topology)@$broker/outside"
put broker-outside-url <<<"amqp://maillage-feedback-outside:$(<broker-feedback-outside)@$broker/outside"
