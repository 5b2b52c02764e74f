"""One running copy of the system: where its services listen, and the secrets that were made for it."""

from __future__ import annotations

import http.client
import shlex
import ssl
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
SERVICES = ("applications", "funding", "experimentation", "feedback", "reporting")


class Failure(Exception):
    """The run cannot go on; the text says what was expected and what was found."""


class Instance:
    """The folder that `deploy/local/servers.sh` and `services.sh` keep, or `compose-demo.sh`.

    The latter's services are behind a proxy and its broker behind TLS: `env` names `GATEWAY_PORT` and `AMQPS_PORT` then.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        path = self.directory / "env"
        if not path.is_file():
            raise Failure(f"{path} is not there: start the instance first (make up)")
        self._facts: dict[str, str] = {}
        for line in path.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition("=")
            self._facts[name] = shlex.join(shlex.split(value)) if value else ""

    def fact(self, name: str) -> str:
        try:
            return self._facts[name]
        except KeyError:
            raise Failure(f"{self.directory}/env has no {name}: start the instance first (make up)") from None

    @property
    def is_composed(self) -> bool:
        return "GATEWAY_PORT" in self._facts

    def port(self, service: str) -> int:
        return int(self.fact(f"{service.upper()}_PORT"))

    def url(self, service: str) -> str:
        if self.is_composed:
            return f"https://localhost:{self.fact('GATEWAY_PORT')}"
        return f"http://127.0.0.1:{self.port(service)}"

    def connection(self, service: str, timeout: float) -> http.client.HTTPConnection:
        if not self.is_composed:
            return http.client.HTTPConnection("127.0.0.1", self.port(service), timeout=timeout)
        trust = ssl.create_default_context(cafile=str(self.secret_path("gateway-authority.pem")))
        return http.client.HTTPSConnection(
            "localhost", int(self.fact("GATEWAY_PORT")), timeout=timeout, context=trust)

    def secret_path(self, name: str) -> Path:
        return self.directory / "secrets" / name

    def secret(self, name: str) -> str:
        return self.secret_path(name).read_text(encoding="utf-8").strip()

    @property
    def clock_path(self) -> Path:
        # Containers see a folder: the file in it is replaced, which a file that is mounted itself would not follow.
        return self.directory / "clock" / "clock" if self.is_composed else self.directory / "clock"

    def publisher_url(self, publisher: str) -> str:
        password = self.secret(f"publisher-{publisher}")
        if self.is_composed:
            return f"amqps://{publisher}.1:{password}@localhost:{self.fact('AMQPS_PORT')}/outside"
        return f"amqp://{publisher}.1:{password}@127.0.0.1:{self.fact('RABBITMQ_PORT')}/outside"

    @property
    def broker_authority(self) -> Path | None:
        """Who signed the broker's certificate, where publishers reach it over TLS."""
        return self.secret_path("broker-tls-authority.pem") if self.is_composed else None

    def memory_mib(self, service: str) -> int:
        """What the service's process holds in memory now; 0 while it is being started again, or in a container."""
        try:
            pid = (self.directory / "run" / f"{service}.pid").read_text(encoding="ascii").split()[0]
            status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        except (OSError, IndexError):
            return 0
        resident = next((line for line in status.splitlines() if line.startswith("VmRSS:")), "VmRSS: 0 kB")
        return round(int(resident.split()[1]) / 1024)

    def kill(self, name: str) -> None:
        """Ends a service or a server with -9. Services are started again by their supervisors, servers by us."""
        if name in SERVICES:
            self._script("services.sh", "kill", name)
        elif name in ("postgres", "rabbitmq"):
            self._script("servers.sh", f"kill-{name}")
            self._script("servers.sh", "start")
        else:
            raise Failure(f"cannot kill {name}: it is none of {', '.join((*SERVICES, 'postgres', 'rabbitmq'))}")

    def _script(self, script: str, *arguments: str) -> None:
        command = [str(REPOSITORY / "deploy" / "local" / script), *arguments, str(self.directory)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
        if result.returncode != 0:
            raise Failure(f"{script} {' '.join(arguments)} failed: {result.stderr.strip()}")


if __name__ == "__main__":
    print(Instance(Path(sys.argv[1])).publisher_url(sys.argv[2]))
