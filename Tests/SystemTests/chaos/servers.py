"""The processes of an instance as faults see them: found, killed, stopped, and brought back."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from pathlib import Path

from driver.instance import REPOSITORY, SERVICES, Failure, Instance

LOCAL = REPOSITORY / "deploy" / "local"
START_S_MAX = 180
MEND_EVERY_S = 0.3


def script(name: str, *arguments: str, seconds: float = START_S_MAX) -> str:
    """Runs one of the scripts beside `make`; the error says what it said."""
    result = subprocess.run([str(LOCAL / name), *arguments], capture_output=True, text=True, timeout=seconds,
                            check=False, stdin=subprocess.DEVNULL)
    if result.returncode != 0:
        raise Failure(f"{name} {' '.join(arguments)} failed: {result.stderr.strip()[-400:]}")
    return result.stdout


class Process:
    """One process, known by more than its number, since numbers are used again."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._started = _started(pid)

    @property
    def is_running(self) -> bool:
        return self._started is not None and _started(self.pid) == self._started

    def send(self, number: signal.Signals) -> bool:
        if not self.is_running:
            return False
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return False
        return True

    def children(self) -> list[Process]:
        pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
        return [Process(pid) for pid in pids if (fields := _fields(pid)) and int(fields[1]) == self.pid]


def _fields(pid: int) -> list[str]:
    """Of /proc/PID/stat, from the state on; none if there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
    except OSError:
        return []


def _started(pid: int) -> str | None:
    fields = _fields(pid)
    return fields[19] if fields and fields[0] != "Z" else None


class Servers:
    """Brings the servers back after a crash; the services are brought back by their supervisors."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._stopping = threading.Event()
        # One each: a broker that takes long to start must not keep the database down.
        self._menders = [threading.Thread(target=self._mend, args=(server,), name=f"mender-{server}", daemon=True)
                         for server in ("postgres", "rabbitmq")]
        self.mends = 0
        self.complaints: list[str] = []

    def __enter__(self) -> Servers:
        for mender in self._menders:
            mender.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for mender in self._menders:
            mender.join(timeout=START_S_MAX)

    def process(self, target: str) -> Process | None:
        """None while it does not run or does not answer yet."""
        try:
            if target == "postgres":
                pid = (self._instance.directory / "data" / "postgres" / "cluster" / "postmaster.pid").read_text()
            else:
                pid = (self._instance.directory / "run" / f"{target}.pid").read_text()
            process = Process(int(pid.split()[0]))
        except (OSError, IndexError, ValueError):
            return None
        return process if process.is_running and self._answers(target) else None

    def _answers(self, target: str) -> bool:
        port = (self._instance.port(target) if target in SERVICES
                else int(self._instance.fact(f"{target.upper()}_PORT")))
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return True
        except OSError:
            return False

    def _mend(self, server: str) -> None:
        while not self._stopping.wait(MEND_EVERY_S):
            if self._is_gone(server):
                try:
                    script("servers.sh", f"mend-{server}", str(self._instance.directory))
                    self.mends += 1
                except (Failure, subprocess.TimeoutExpired) as error:
                    self.complaints.append(str(error))

    def _is_gone(self, target: str) -> bool:
        folder = self._instance.directory
        path = (folder / "data" / "postgres" / "cluster" / "postmaster.pid" if target == "postgres"
                else folder / "run" / "rabbitmq.pid")
        try:
            return not Process(int(path.read_text().split()[0])).is_running
        except (OSError, IndexError, ValueError):
            return True
