"""Makes the scheduled faults, each in a thread of its own so that they overlap, and writes down what became of them."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from driver.instance import Failure, Instance

from .fronts import Fronts
from .schedule import Fault
from .servers import Process, Servers, script

AT_ONCE_MAX = 16
TARGET_PATIENCE_S = 120.0
"""A fault whose target is down waits so long for it to come back."""
LOOK_EVERY_S = 0.1

# Raised, held and ended by the node itself: no command line that is lost can leave an alarm behind.
ALARMS = {
    "memory": "vm_memory_monitor:set_vm_memory_high_watermark(0.00001), timer:sleep({ms}), "
              "A = rabbit_alarm:get_alarms(), vm_memory_monitor:set_vm_memory_high_watermark(0.4), length(A).",
    "disk": "rabbit_disk_monitor:set_disk_free_limit(1000000000000000), timer:sleep({ms}), "
            'A = rabbit_alarm:get_alarms(), rabbit_disk_monitor:set_disk_free_limit("500MB"), length(A).',
}


class Faults:
    def __init__(self, instance: Instance, servers: Servers, fronts: Fronts, log: Path) -> None:
        self._instance = instance
        self._servers = servers
        self._fronts = fronts
        self._lock = threading.Lock()
        self._log = log.open("w", encoding="utf-8")
        self._began = time.monotonic()
        self.made: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()

    def run(self, faults: list[Fault], stopping: threading.Event) -> None:
        """Returns when the last fault is over: what was stopped goes on, what was full is emptied."""
        self._began = time.monotonic()
        running: list[Future[None]] = []
        with ThreadPoolExecutor(max_workers=AT_ONCE_MAX, thread_name_prefix="fault") as pool:
            for fault in faults:
                if stopping.wait(max(0.0, self._began + fault.at_s - time.monotonic())):
                    break
                running.append(pool.submit(self._make, fault))
        for future in running:
            future.result()

    def close(self) -> None:
        self._log.close()

    def _make(self, fault: Fault) -> None:
        began = time.monotonic()
        try:
            told = self._act(fault)
            is_made = told is not None
        except (Failure, OSError, subprocess.SubprocessError) as error:
            told, is_made = str(error)[-300:], False
        entry = {"planned": round(fault.at_s, 2), "began": round(began - self._began, 2),
                 "ended": round(time.monotonic() - self._began, 2),
                 "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "kind": fault.kind} | fault.details
        with self._lock:
            (self.made if is_made else self.missed)[fault.kind] += 1
            self._log.write(json.dumps(entry | {"made": is_made, "told": told}) + "\n")
            self._log.flush()

    def _act(self, fault: Fault) -> str | None:
        """What was hit; None if there was nothing to hit."""
        match fault.kind.split()[0]:
            case "kill":
                process = self._wait_for(fault.target)
                return f"pid {process.pid}" if process is not None and process.send(signal.SIGKILL) else None
            case "stop":
                return self._stop(fault)
            case "alarm":
                return self._until_hit(lambda: self._alarm(fault))
            case kind:
                return self._until_hit(lambda: self._cut(kind, fault))

    def _until_hit(self, attempt: Callable[[], str | None]) -> str | None:
        """Tries again while there is nothing to hit, because what it would hit is down by another fault."""
        deadline = time.monotonic() + TARGET_PATIENCE_S
        while (told := attempt()) is None and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY_S)
        return told

    def _cut(self, kind: str, fault: Fault) -> str | None:
        hit = self._fronts.order(fault.target, kind, **fault.details)
        return f"{hit} connections" if hit else None

    def _wait_for(self, target: str) -> Process | None:
        deadline = time.monotonic() + TARGET_PATIENCE_S
        while (process := self._servers.process(target)) is None and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY_S)
        return process

    def _stop(self, fault: Fault) -> str | None:
        process = self._wait_for(fault.target)
        if process is None or not process.send(signal.SIGSTOP):
            return None
        # Those that serve PostgreSQL's clients too; now that it is stopped itself, no more of them come.
        helpers = process.children() if fault.target == "postgres" else []
        stopped = [*(child for child in helpers if child.send(signal.SIGSTOP)), process]
        time.sleep(fault.details["seconds"])
        for process in stopped:
            process.send(signal.SIGCONT)
        return f"{len(stopped)} processes"

    def _alarm(self, fault: Fault) -> str | None:
        if self._wait_for("rabbitmq") is None:
            return None
        expression = ALARMS[fault.target].replace("{ms}", str(int(fault.details["seconds"] * 1000)))
        try:
            alarms = self._evaluate(expression)
        except Failure:
            return None  # the broker was ended meanwhile, and its alarm with it
        return f"{alarms} alarms" if alarms.isdigit() and int(alarms) else None

    def _evaluate(self, expression: str) -> str:
        return script("servers.sh", "rabbitmqctl", str(self._instance.directory), "--quiet", "--timeout", "60",
                        "eval", expression, seconds=60).strip()
