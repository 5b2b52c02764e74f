"""Which fault comes when: drawn from the seed alone, so that a run can be repeated."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from driver.instance import SERVICES

from .fronts import FRONTS

SLOT_S = 5.0
"""At least one fault begins in every slot."""
OVERLAP_EVERY = 3
"""Every so manieth slot has a second one, which overlaps."""
TAIL_S = 0.6
"""The last fault comes so long before the load ends."""

TARGETS = (*SERVICES, "rabbitmq", "postgres")
KILLS = tuple(f"kill {target}" for target in TARGETS)
STOPS = tuple(f"stop {target}" for target in TARGETS)
CUTS = tuple(f"{fault} {front}" for fault in ("cut", "delay", "silence") for front in FRONTS)
ALARMS = ("alarm memory", "alarm disk")
KINDS = (*KILLS, *STOPS, *CUTS, *ALARMS)

# These keep everything waiting for seconds: as often as is asked for, and no oftener.
HEAVY = {"kill rabbitmq", "stop rabbitmq", "kill postgres", "stop postgres", *ALARMS,
         *(cut for cut in CUTS if cut.startswith("silence"))}


@dataclass(frozen=True)
class Fault:
    at_s: float
    kind: str
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def target(self) -> str:
        return self.kind.partition(" ")[2]


def minimum_per_kind(minutes: float) -> int:
    """Three in ten minutes; a run of two minutes has each kind once."""
    return max(1, int(3 * minutes / 10)) if minutes >= 2 else 0


def schedule(seed: int, minutes: float) -> list[Fault]:
    dice = random.Random(f"{seed}/faults")
    seconds = minutes * 60
    slots = int(seconds / SLOT_S)
    times = [slot * SLOT_S + dice.uniform(0.2, SLOT_S - 0.2) for slot in range(slots)]
    times += [slot * SLOT_S + dice.uniform(0.2, SLOT_S - 0.2) for slot in range(1, slots, OVERLAP_EVERY)]
    # The tail of the stream is cut too.
    times = sorted(t for t in times if t < seconds - 2)
    kinds = _kinds(dice, len(times), minimum_per_kind(minutes))
    faults = [Fault(t, kind, _details(dice, kind)) for t, kind in zip(times, kinds, strict=True)]
    tail = [dice.choice(KILLS), dice.choice([c for c in CUTS if c.startswith("cut")])]
    return faults + [Fault(seconds - TAIL_S, kind, _details(dice, kind)) for kind in tail]


def _kinds(dice: random.Random, count: int, minimum: int) -> list[str]:
    drawn = [kind for _ in range(minimum) for kind in dice.sample(KINDS, len(KINDS))]
    # One more than is asked for: a broker that is killed in the middle of an alarm was not full for as long as planned.
    drawn += ALARMS
    light = [kind for kind in KINDS if kind not in HEAVY]
    while len(drawn) < count:
        drawn += dice.sample(light, len(light))
    drawn = drawn[:count]
    dice.shuffle(drawn)
    return drawn


def _details(dice: random.Random, kind: str) -> dict[str, Any]:
    match kind.split()[0]:
        case "stop":
            return {"seconds": round(dice.uniform(0.5, 6), 1)}
        case "cut":
            return {"bytes": dice.randint(1, 4_000), "reset": dice.random() < 0.5}
        case "delay":
            return {"milliseconds": dice.randint(20, 250), "seconds": round(dice.uniform(2, 5), 1)}
        case "silence":
            return {"seconds": round(dice.uniform(1, 5), 1), "lingers": round(dice.uniform(5, 20), 1)}
        case "alarm":
            return {"seconds": round(dice.uniform(2, 5), 1)}
    return {}
