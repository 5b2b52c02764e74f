"""The proxy's process, seen from the run: which ports it listens on, and orders to it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from driver.instance import REPOSITORY, Failure

FRONTS = {"broker": "RABBITMQ_PORT", "database": "POSTGRES_PORT", "publishers": "RABBITMQ_PORT"}


class Fronts:
    """Safe to be used by several threads."""

    def __init__(self, facts: Path) -> None:
        command = [sys.executable, "-m", "chaos.proxy", "--facts", str(facts),
                   *(f"{name}={fact}" for name, fact in FRONTS.items())]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                         cwd=REPOSITORY / "Tests" / "SystemTests")
        self._lock = threading.Lock()
        self.ports: dict[str, int] = self._answer()

    def order(self, front: str, fault: str, **details: Any) -> int:
        """Returns how many connections it hit."""
        with self._lock:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps({"front": front, "fault": fault} | details) + "\n")
            self._process.stdin.flush()
            hit: int = self._answer()["hit"]
            return hit

    def close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Failure("the proxy has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer
