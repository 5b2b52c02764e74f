"""The programme's clock: the services add the offset in a file to the real time, and the driver moves it."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

# The services read the file again at most every 200 ms, so after this pause all of them have seen a change.
SETTLED_S = 0.3


class ProgrammeClock:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def move_to(self, moment: datetime) -> None:
        """Forward only: the programme knows no way back. Returns once every service follows."""
        if moment <= self.now() and self._offset:
            return
        self._offset = moment - datetime.now(UTC)
        draft = self._path.with_name("clock.new")
        # A whole number: the service takes the file as it stands, and half a number must never stand there.
        draft.write_text(f"{int(self._offset.total_seconds())}\n", encoding="ascii")
        os.replace(draft, self._path)
        time.sleep(SETTLED_S)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
