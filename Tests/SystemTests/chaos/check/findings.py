"""What was found, sorted by what it means: acknowledged and not there, there twice, or there and wrong."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping

SHOWN_PER_FINDING = 10


class Findings:
    def __init__(self) -> None:
        self._ids: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._counts: Counter[tuple[str, str]] = Counter()
        self.is_ledger_balanced = True

    def add(self, sort: str, what: str, id_: object, count: int = 1) -> None:
        self._counts[sort, what] += count
        if len(self._ids[sort, what]) < SHOWN_PER_FINDING:
            self._ids[sort, what].append(str(id_))

    def lost(self, what: str, id_: object, count: int = 1) -> None:
        self.add("lost", what, id_, count)

    def doubled(self, what: str, id_: object, count: int = 1) -> None:
        self.add("doubled", what, id_, count)

    def wrong(self, what: str, id_: object, count: int = 1) -> None:
        self.add("wrong", what, id_, count)

    def ledger(self, what: str, id_: object) -> None:
        self.is_ledger_balanced = False
        self.add("ledger", what, id_)

    def compare(self, what: str, expected: Mapping[Hashable, int], actual: Mapping[Hashable, int]) -> int:
        """Too few are lost and too many are doubled; returns how many there had to be."""
        for key in expected.keys() | actual.keys():
            difference = actual.get(key, 0) - expected.get(key, 0)
            if difference < 0:
                self.lost(what, _text(key), -difference)
            elif difference > 0:
                self.doubled(what, _text(key), difference)
        return sum(expected.values())

    def total(self, sort: str) -> int:
        return sum(count for (found, _), count in self._counts.items() if found == sort)

    @property
    def is_clean(self) -> bool:
        return not self._counts and self.is_ledger_balanced

    def lines(self) -> list[str]:
        lines = []
        for (sort, what), count in sorted(self._counts.items()):
            shown = self._ids[sort, what]
            more = f" and {count - len(shown)} more" if count > len(shown) else ""
            lines.append(f"  {sort.upper()} {what}: {', '.join(shown)}{more}")
        return lines


def _text(key: Hashable) -> str:
    return " ".join(str(part) for part in key) if isinstance(key, tuple) else str(key)
