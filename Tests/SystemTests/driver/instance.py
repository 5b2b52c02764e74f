"""One running copy of the system: where its services listen, and the secrets that were made for it."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
SERVICES = ("applications", "funding", "experimentation", "feedback", "reporting")


class Failure(Exception):
    """The run cannot go on; the text says what was expected and what was found."""


class Instance:
    """The folder that `deploy/local/servers.sh` and `services.sh` keep."""

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

    def port(self, service: str) -> int:
        return int(self.fact(f"{service.upper()}_PORT"))

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.port(service)}"

    def secret_path(self, name: str) -> Path:
        return self.directory / "secrets" / name

    def secret(self, name: str) -> str:
        return self.secret_path(name).read_text(encoding="utf-8").strip()

    @property
    def clock_path(self) -> Path:
        return self.directory / "clock"

    def publisher_url(self, publisher: str) -> str:
        password = self.secret(f"publisher-{publisher}")
        return f"amqp://{publisher}:{password}@127.0.0.1:{self.fact('RABBITMQ_PORT')}/outside"

    def memory_mib(self, service: str) -> int:
        """What the service's process holds in memory now; 0 while it is being started again."""
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
