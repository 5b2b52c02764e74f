"""The synthetic feedback of a scenario: which answers are given, by whom and when, and what is wrong on purpose.

Everything follows from the scenario's seed by a keyed hash, so the stream need not be stored: the generator computes
the expected figures from it, and the demo's driver publishes it. Nothing here knows how the services work.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

DAY = 86_400
HOUR = 3_600
PUBLISHED_AT_S = 6 * DAY + 12 * HOUR
"""A week's messages are published this long after the week began: its answers are in the past, its window is open."""
SUBMITTED = "maillage.response.submitted.v1"
AMENDED = "maillage.response.amended.v1"


@dataclass(frozen=True)
class Answer:
    """One message as planned. What only exists at run time, such as the experiment's id, is added by `render`."""

    identity: str
    publisher: str
    source: str
    experiment: str
    participant: int
    """Index within the experiment, from 0."""
    instrument: str
    week: int
    """From 1; the occasion is `W<week>`."""
    offset_s: int
    """When it was answered, in seconds since the experiment's start."""
    answers: tuple[int | None, ...]
    comment: str | None = None
    amends: str | None = None
    follows: str | None = None
    """Identity of the message that this one repeats, corrects or contradicts, and therefore comes after."""
    deviation: str | None = None
    """The kind of fault or repetition that this message is, None for an ordinary response."""

    @property
    def occasion(self) -> str:
        return f"W{self.week}"


@dataclass(frozen=True)
class Place:
    """What a running system made of an experiment of the scenario."""

    experiment: str
    started_at: datetime
    pseudonyms: tuple[str, ...]


class Dice:
    """Draws that depend on nothing but the seed and what they are for; the order of the calls does not matter."""

    def __init__(self, seed: str) -> None:
        self._key = hashlib.blake2b(seed.encode(), digest_size=32).digest()

    def bytes(self, *purpose: object) -> bytes:
        text = "\x1f".join(str(part) for part in purpose)
        return hashlib.blake2b(text.encode(), key=self._key, digest_size=32).digest()

    def below(self, limit: int, *purpose: object) -> int:
        return int.from_bytes(self.bytes(*purpose)[:8], "big") % limit


class FeedbackStream:
    """The messages of a scenario by week and publisher, in the order of their publication."""

    def __init__(self, scenario: dict[str, Any]) -> None:
        plan = scenario["feedback"]
        self.weeks: int = plan["weeks"]
        self._plan = plan
        self._dice = Dice(plan["seed"])
        self._participants = {e["key"]: e["participants"] for e in scenario["experiments"]}
        self._answered, self._unanswered = self._respondents()
        self._deviations = list(self._faults())

    def responses(self) -> list[Answer]:
        """The ordinary responses: each has to count exactly once."""
        return self._answered

    def deviations(self) -> list[Answer]:
        """What comes on top: repetitions, corrections and nonsense."""
        return self._deviations

    def week(self, week: int) -> dict[str, list[Answer]]:
        """By publisher. A message that refers to another one comes somewhere after it."""
        messages: dict[str, list[Answer]] = {p["publisher"]: [] for p in self._plan["publishers"]}
        for answer in sorted((a for a in self._answered if a.week == week), key=lambda a: (a.offset_s, a.identity)):
            messages[answer.publisher].append(answer)
        for index, answer in enumerate(a for a in self._deviations if a.week == week):
            line = messages[answer.publisher]
            earliest = max((i + 1 for i, other in enumerate(line) if other.identity == answer.follows), default=0)
            line.insert(earliest + self._dice.below(len(line) - earliest + 1, "place", week, index), answer)
        return messages

    # MARK: Ordinary responses

    def _respondents(self) -> tuple[list[Answer], list[Answer]]:
        """All cells of (experiment, week, participant, instrument), split by a draw into answered and not."""
        cells = [
            (self._dice.bytes("responds", publisher["experiment"], week, participant, instrument),
             (publisher, week, participant, instrument))
            for publisher in self._plan["publishers"]
            for week in range(1, self.weeks + 1)
            for participant in range(self._participants[publisher["experiment"]])
            for instrument in self._plan["instruments"]
        ]
        cells.sort(key=lambda cell: cell[0])
        count = self._plan["responsesCount"]
        if count > len(cells):
            raise ValueError(f"{count} responses do not fit into {len(cells)} cells")
        answers = [self._answer(*cell) for _, cell in cells]
        return answers[:count], answers[count:]

    def _answer(self, publisher: dict[str, str], week: int, participant: int, instrument: str) -> Answer:
        draws = self._dice.bytes("answer", publisher["experiment"], week, participant, instrument)
        inclination = self._dice.below(5, "inclination", publisher["experiment"], participant)
        answers = _sus(draws, inclination, week) if instrument == "SUS" else _nps(draws, inclination, week)
        # Answered between the first hour of the window and two days before its end, so that corrections fit behind.
        span = 5 * DAY - HOUR
        offset = (week - 1) * 7 * DAY + HOUR + int.from_bytes(draws[24:28], "big") % span
        comment = f"Commentaire synthétique {draws[28]}" if draws[29] < 5 else None
        return Answer(
            identity=f"{publisher['publisher']}-{instrument.lower()}-{week:02d}-{participant:04d}",
            publisher=publisher["publisher"], source=publisher["source"], experiment=publisher["experiment"],
            participant=participant, instrument=instrument, week=week, offset_s=offset, answers=answers,
            comment=comment)

    # MARK: On purpose

    def _faults(self) -> Iterator[Answer]:
        """Repetitions and corrections pick an answered cell, nonsense an unanswered one: one fault at a time."""
        answered = _Picker(self._answered, self._dice, "answered")
        unanswered = _Picker(self._unanswered, self._dice, "unanswered")
        for deviation in self._plan["deviations"]:
            kind = deviation["kind"]
            for number in range(deviation["count"]):
                wanted = DEVIATION_INSTRUMENT.get(kind)
                base = (answered if kind in ON_ANSWERED else unanswered).pick(kind, number, wanted)
                yield self._deviate(kind, number, base)

    def _deviate(self, kind: str, number: int, base: Answer) -> Answer:
        if kind in ON_ANSWERED:
            base = replace(base, deviation=kind, follows=base.identity)
        fresh = replace(base, deviation=kind, comment=None, identity=f"{base.publisher}-{kind}-{number:03d}")
        match kind:
            case "duplicate":
                return base
            case "correction":
                return replace(fresh, offset_s=base.offset_s + DAY, amends=base.identity, answers=_mirrored(base))
            case "identity-conflict":
                return replace(base, answers=_mirrored(base))
            case "already-answered":
                return replace(fresh, answers=_mirrored(base))
            case "sus-level-six":
                return replace(fresh, answers=(6, *base.answers[1:]))
            case "sus-nine-items":
                return replace(fresh, answers=base.answers[:9])
            case "sus-all-missing":
                return replace(fresh, answers=(None,) * 10)
            case "nps-eleven":
                return replace(fresh, answers=(11,))
            case "before-window":
                return replace(fresh, offset_s=(base.week - 1) * 7 * DAY - HOUR)
            case "in-the-future":
                return replace(fresh, offset_s=base.week * 7 * DAY - 2 * HOUR)
            case "comment-too-long":
                return replace(fresh, comment="x" * 4_001)
            case "amends-nothing":
                return replace(fresh, amends=f"{base.publisher}-never-sent")
            case _:
                return fresh


ON_ANSWERED = {"duplicate", "correction", "identity-conflict", "already-answered"}
DEVIATION_INSTRUMENT = {
    "sus-level-six": "SUS", "sus-nine-items": "SUS", "sus-all-missing": "SUS", "nps-eleven": "NPS",
    "nps-fraction": "NPS",
}


class _Picker:
    """Picks each cell at most once."""

    def __init__(self, cells: list[Answer], dice: Dice, name: str) -> None:
        self._cells = sorted(cells, key=lambda a: a.identity)
        self._dice = dice
        self._name = name
        self._taken: set[int] = set()

    def pick(self, kind: str, number: int, instrument: str | None) -> Answer:
        index = self._dice.below(len(self._cells), "pick", self._name, kind, number)
        for step in range(len(self._cells)):
            candidate = (index + step) % len(self._cells)
            cell = self._cells[candidate]
            # The first week has nothing before its window.
            fits = instrument in (None, cell.instrument) and (kind != "before-window" or cell.week > 1)
            if fits and candidate not in self._taken:
                self._taken.add(candidate)
                return cell
        raise ValueError(f"no {self._name} cell is left for {kind}")


def _sus(draws: bytes, inclination: int, week: int) -> tuple[int | None, ...]:
    """Ten levels 1…5: people get used to the solution, and one item in fifty is left out."""
    levels: list[int | None] = []
    for item in range(10):
        liking = 2 + inclination // 2 + week // 13 + draws[item] % 3 - 1
        level = liking if item % 2 == 0 else 6 - liking
        levels.append(None if draws[10 + item] < 5 else min(5, max(1, level)))
    return tuple(levels)


def _nps(draws: bytes, inclination: int, week: int) -> tuple[int | None, ...]:
    return (min(10, max(0, 4 + inclination + week // 9 + draws[0] % 5 - 2)),)


def _mirrored(base: Answer) -> tuple[int | None, ...]:
    """Other answers than the first: the opposite end of each scale, and never the same as before."""
    if base.instrument == "NPS":
        (answer,) = base.answers
        return (10 - answer if answer not in (None, 5) else 6,)
    mirrored = tuple(None if level is None else 6 - level for level in base.answers)
    return mirrored if mirrored != base.answers else (1, *base.answers[1:])


# MARK: On the wire

def render(answer: Answer, places: dict[str, Place]) -> bytes:
    """The body of the message as the outside system publishes it."""
    place = places[answer.experiment]
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": answer.identity,
        "source": answer.source,
        "type": AMENDED if answer.amends else SUBMITTED,
        "time": _instant(place.started_at + timedelta(seconds=answer.offset_s)),
        "datacontenttype": "application/json",
        "synthetic": True,
        "data": {
            "experiment": place.experiment,
            "participant": place.pseudonyms[answer.participant],
            "instrument": answer.instrument,
            "occasion": answer.occasion,
            "answers": list(answer.answers),
        },
    }
    for name, value in (("comment", answer.comment), ("amends", answer.amends)):
        if value is not None:
            event["data"][name] = value
    return _mangle(answer.deviation, event)


def _mangle(deviation: str | None, event: dict[str, Any]) -> bytes:
    """Faults of the message itself rather than of the answer in it."""
    match deviation:
        case "not-json":
            return json.dumps(event).encode()[:-7]
        case "other-specversion":
            event["specversion"] = "0.3"
        case "unknown-type":
            event["type"] = "maillage.response.invented.v1"
        case "unknown-instrument":
            event["data"]["instrument"] = "EQ5D"
        case "unknown-occasion":
            event["data"]["occasion"] = "W99"
        case "nps-fraction":
            event["data"]["answers"] = [7.5]
        case "unknown-participant":
            event["data"]["participant"] = "0000ZZZZ0000"
        case "unknown-experiment":
            event["data"]["experiment"] = "00000000-0000-4000-8000-000000000000"
        case "oversized":
            event["data"]["padding"] = "x" * 70_000
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
