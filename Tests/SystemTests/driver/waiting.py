"""Waiting for something to become true, with a deadline and no fixed pauses."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from .instance import Failure

T = TypeVar("T")


def until(what: str, attempt: Callable[[], T | None], seconds: float = 60, pause_max: float = 0.5) -> T:
    """Tries again, less and less often, until `attempt` gives something."""
    deadline = time.monotonic() + seconds
    pause = 0.01
    while True:
        result = attempt()
        if result is not None:
            return result
        if time.monotonic() >= deadline:
            raise Failure(f"waited {seconds:g} s in vain until {what}")
        time.sleep(pause)
        pause = min(pause_max, pause * 1.5)
