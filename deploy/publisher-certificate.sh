#!/usr/bin/env bash
# publisher-certificate.sh SECRETS USER REQUEST [DAYS]: signs a publisher's request for a client certificate.
#
#   USER     the credential as `feedback publishers rotate NAME --certificate` shows it, such as telesuivi.2
#   REQUEST  PEM, from whoever has the key; what it calls itself is not looked at
#   DAYS     how long it holds (default: 365); rotate before its end
#
# The certificate goes to standard output. It opens AMQP over TLS for as long as the credential is live.
set -euo pipefail
usage="usage: publisher-certificate.sh SECRETS USER REQUEST [DAYS]"
secrets=${1:?$usage} user=${2:?$usage} request=${3:?$usage} days=${4:-365}

die() { printf '%s\n' "$*" >&2 && exit 1; }

# Whoever names another user's name would be that user: an operator's among them.
[[ $user =~ ^[a-z0-9-]{2,40}\.[1-9][0-9]{0,8}$ ]] || die "USER: expected PUBLISHER.NUMBER, such as telesuivi.2"
[[ $days =~ ^[1-9][0-9]{0,3}$ ]] || die "DAYS: expected 1 to 9999"
openssl req -in "$request" -noout -verify 2>/dev/null || die "REQUEST: expected a certificate request in PEM: $request"
openssl x509 -req -in "$request" -CA "$secrets/publishers-authority.pem" -CAkey "$secrets/publishers-authority-key.pem" \
    -days "$days" -subj "/CN=$user" -set_serial "0x$(openssl rand -hex 16)" \
    -extfile <(printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth') \
    2>/dev/null
