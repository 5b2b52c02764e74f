"""Bearer tokens of the development issuer: JWTs signed with ES256 by openssl, so that nothing has to be installed.

    python3 -m driver.tokens --instance .local --role operator [--sub NAME] [--organisation SIREN]
"""

from __future__ import annotations

import argparse
import base64
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from .instance import Failure, Instance

ISSUER = "maillage-development"
AUDIENCE = "maillage"
ROLES = ("applicant", "reviewer", "committee", "decision-maker", "operator", "paying-officer", "site-manager",
         "ethics", "ministry", "administrator")
VALID_S = 24 * 3600


def mint(key: Path, subject: str, roles: Sequence[str], organisation: str | None = None) -> str:
    """A token that is good for a day from now, by the wall clock and not the programme's."""
    now = int(time.time())
    claims: dict[str, object] = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "roles": list(roles), "iat": now,
                                 "exp": now + VALID_S}
    if organisation is not None:
        claims["organisation"] = organisation
    signed = f"{_part({'alg': 'ES256', 'typ': 'JWT'})}.{_part(claims)}"
    result = subprocess.run(["openssl", "dgst", "-sha256", "-sign", str(key)], input=signed.encode(),
                            capture_output=True, check=False)
    if result.returncode != 0:
        raise Failure(f"openssl cannot sign with {key}: {result.stderr.decode().strip()}")
    return f"{signed}.{_base64url(raw_signature(result.stdout))}"


def raw_signature(der: bytes) -> bytes:
    """openssl gives SEQUENCE { r INTEGER, s INTEGER }; JWS wants r and s of 32 bytes each, one after the other."""
    if len(der) < 8 or der[0] != 0x30 or der[1] != len(der) - 2:
        raise Failure("openssl gave no ECDSA signature")
    numbers = []
    position = 2
    for _ in range(2):
        if der[position] != 0x02:
            raise Failure("openssl gave no ECDSA signature")
        length = der[position + 1]
        number = der[position + 2:position + 2 + length].lstrip(b"\0")
        numbers.append(number.rjust(32, b"\0"))
        position += 2 + length
    return b"".join(numbers)


def _part(value: dict[str, object]) -> str:
    return _base64url(json.dumps(value, separators=(",", ":")).encode())


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def main() -> int:
    parser = argparse.ArgumentParser(prog="token")
    parser.add_argument("--instance", type=Path, required=True)
    parser.add_argument("--role", action="append", required=True, help=f"one of {', '.join(ROLES)}; may be repeated")
    parser.add_argument("--sub", help="who; the role's name if not given")
    parser.add_argument("--organisation", help="SIREN of the organisation, nine digits")
    arguments = parser.parse_args()
    roles = [role for value in arguments.role for role in value.split(",") if role]
    for role in roles:
        if role not in ROLES:
            parser.error(f"no role {role!r}; there are {', '.join(ROLES)}")
    try:
        key = Instance(arguments.instance).secret_path("identity.pem")
        print(mint(key, arguments.sub or roles[0], roles, arguments.organisation))
    except Failure as failure:
        print(f"token: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
