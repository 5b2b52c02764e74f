#!/usr/bin/env python3
"""Writes random co-funding claims with the grants that are due, by exact fractions and with no line of the services.

    reference.py                       rewrites cases-2026.txt beside this file
    reference.py --check               fails if cases-2026.txt is not what would be written
    reference.py --seed N --count N    other grants, to standard output

A line is a case: words, `=`, what is due. Amounts are cents, days `yyyymmdd`, rates 1/10,000.

    x DAY RATE CEILING BUDGET COST REQUESTED BASIS = GRANT RULE STATE-AID     an experiment
    a DAY RATE CEILING BUDGET COST REQUESTED BASIS = GRANT RULE STATE-AID     the animation of a place
    c DAY RATE CEILING PARTNER... = GRANT RULE SHARE...                       an experiment of several beneficiaries
    s AMOUNT WEIGHT... = SHARE...                                             an amount split by weights
    k PARTY... = GROUND                                                       effective collaboration

BASIS is `n` without economic activity; `g` with work (f, i, e, s), size (s, m, l), collaboration (0, 1) and whether
bonuses add up (0, 1); or `d:FISCAL-START:FLAGS:MEMBERS:AIDS`: month and day; SGEI and the boundary day (0, 1); letters
of the members or `*`; aids as DAY/CENTS/LETTER, joined by `+`. PARTNER is GROUP,BUDGET,COST,REQUESTED,BASIS, and SHARE
is CENTS,RULE. RULE is r(ate), c(eiling), s(tate aid), q (requested), b(udget of the partner), p(artners' sum) or j
(share of the project); STATE-AID is a value or `-`. `= !` stands where no State-aid rules are in force. PARTY is s, m
or l (size), p or x (research that may publish or not), a group's letter and cents; GROUND is u, r or `-`.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from math import floor
from pathlib import Path

HERE = Path(__file__).parent
SEED = 2026
COUNT = 10_000

# Per cent of eligible cost by work and size: alone, together, and together where only the higher bonus counts.
INTENSITIES = {
    "fs": (100, 100, 100), "fm": (100, 100, 100), "fl": (100, 100, 100),
    "is": (70, 80, 70), "im": (60, 75, 65), "il": (50, 65, 65),
    "es": (45, 60, 45), "em": (35, 50, 40), "el": (25, 40, 40),
    "ss": (70, 70, 70), "sm": (60, 60, 60), "sl": (50, 50, 50),
}
BLOCK_EXEMPTION_FROM = date(2014, 7, 1)
EURO = 100


class NoRules(Exception):
    """No State-aid rules for this basis are in force on the day."""


# MARK: What is due

@dataclass(frozen=True)
class Aid:
    day: date
    cents: int
    member: str

    def __str__(self) -> str:
        return f"{self.day:%Y%m%d}/{self.cents}/{self.member}"


@dataclass(frozen=True)
class Basis:
    kind: str
    """n, g or d"""
    cell: str = ""
    is_collaboration: bool = False
    adds_up: bool = True
    fiscal_start: tuple[int, int] = (1, 1)
    is_sgei: bool = False
    counts_boundary: bool = True
    members: str = "*"
    aids: tuple[Aid, ...] = ()

    def __str__(self) -> str:
        if self.kind == "g":
            return f"g{self.cell}{self.is_collaboration:d}{self.adds_up:d}"
        if self.kind == "d":
            start = "{:02}{:02}".format(*self.fiscal_start)
            aids = "+".join(str(aid) for aid in self.aids)
            return f"d:{start}:{self.is_sgei:d}{self.counts_boundary:d}:{self.members}:{aids}"
        return "n"

    def cap(self, cost: int, day: date) -> Fraction | None:
        """None without a cap."""
        if self.kind == "n":
            return None
        if self.kind == "g":
            if day < BLOCK_EXEMPTION_FROM:
                raise NoRules
            alone, together, higher = INTENSITIES[self.cell]
            percent = alone if not self.is_collaboration else together if self.adds_up else higher
            return Fraction(percent, 100) * cost
        return Fraction(max(0, self.ceiling(day) - sum(aid.cents for aid in self.aids if self.counts(aid, day))))

    def ceiling(self, day: date) -> int:
        if 2014 <= day.year <= 2023:
            return (500_000 if self.is_sgei else 200_000) * EURO
        if 2024 <= day.year <= 2030:
            return (750_000 if self.is_sgei else 300_000) * EURO
        raise NoRules

    def counts(self, aid: Aid, day: date) -> bool:
        if aid.day > day or (self.members != "*" and aid.member not in self.members):
            return False
        if day.year <= 2023:
            return self.fiscal_year(day) - self.fiscal_year(aid.day) <= 2
        boundary = years_before(day, 3)
        return aid.day > boundary or (aid.day == boundary and self.counts_boundary)

    def fiscal_year(self, day: date) -> int:
        """Named after the calendar year in which it begins."""
        return day.year if (day.month, day.day) >= self.fiscal_start else day.year - 1


def years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return date(day.year - years, 2, 28)


def binding(caps: list[tuple[str, Fraction | int | None]]) -> tuple[int, str]:
    """The lowest in whole cents; of equal ones the first."""
    cents = [(floor(value), place, rule) for place, (rule, value) in enumerate(caps) if value is not None]
    lowest, _, rule = min(cents)
    return lowest, rule


def split(amount: int, weights: list[int]) -> list[int]:
    if amount == 0:
        return [0] * len(weights)
    exact = [Fraction(amount * weight, sum(weights)) for weight in weights]
    shares = [floor(share) for share in exact]
    while sum(shares) < amount:
        # Whoever is furthest below the exact share; `max` takes the first of equal ones.
        poorest = max(range(len(shares)), key=lambda place: exact[place] - shares[place])
        shares[poorest] += 1
    return shares


@dataclass(frozen=True)
class Partner:
    group: str
    budget: int
    cost: int
    requested: int
    basis: Basis

    def __str__(self) -> str:
        return f"{self.group},{self.budget},{self.cost},{self.requested},{self.basis}"


def consortium(partners: list[Partner], rate: int, ceiling: int, day: date) -> tuple[int, str, list[tuple[int, str]]]:
    allowed = [partner.basis.cap(partner.cost, day) for partner in partners]
    same_room: dict[str, list[int]] = defaultdict(list)
    for place, partner in enumerate(partners):
        if partner.basis.kind == "d":
            same_room[partner.group].append(place)
    for places in same_room.values():
        room = min(floor(allowed[place] or 0) for place in places)
        wanted = [min(partners[place].budget, partners[place].requested) for place in places]
        if len(places) > 1 and sum(wanted) > room:
            for place, share in zip(places, split(room, wanted), strict=True):
                allowed[place] = Fraction(share)
    steps: list[list[tuple[str, Fraction | int | None]]] = [
        [("s", cap), ("b", partner.budget), ("q", partner.requested)]
        for partner, cap in zip(partners, allowed, strict=True)]
    own = [binding(caps)[0] for caps in steps]
    budget = sum(partner.budget for partner in partners)
    total, rule = binding([("r", Fraction(rate, 10_000) * budget), ("c", ceiling), ("p", sum(own))])
    if rule == "p":
        return total, rule, [binding(caps) for caps in steps]
    shares = split(total, own)
    return total, rule, [binding([*caps, ("j", share)]) for caps, share in zip(steps, shares, strict=True)]


def collaboration(parties: list[tuple[str, str, int]]) -> str:
    """Kind, group and cost of each."""
    parties = [party for party in parties if party[2] > 0]
    total = sum(cost for _, _, cost in parties)
    sizes: dict[str, list[str]] = defaultdict(list)
    costs: dict[str, int] = defaultdict(int)
    for kind, group, cost in parties:
        if kind in "sml":
            sizes[group].append(kind)
            costs[group] += cost
    has_sme = any("l" not in of_one for of_one in sizes.values())
    if len(sizes) > 1 and has_sme and max(Fraction(cost, total) for cost in costs.values()) <= Fraction(7, 10):
        return "u"
    research = sum(cost for kind, group, cost in parties if kind == "p" and set(sizes) - {group})
    return "r" if research and Fraction(research, total) >= Fraction(1, 10) else "-"


# MARK: Random cases

@dataclass
class Chance:
    """SplitMix64: the same cases with every version of Python."""
    state: int
    _mask: int = field(default=(1 << 64) - 1, repr=False)

    def bits(self) -> int:
        self.state = (self.state + 0x9E3779B97F4A7C15) & self._mask
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & self._mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & self._mask
        return z ^ (z >> 31)

    def number(self, low: int, high: int) -> int:
        """From low to high, both included."""
        return low + self.bits() % (high - low + 1)

    def flag(self) -> bool:
        return self.number(0, 1) == 1

    def letter(self, letters: str) -> str:
        return letters[self.number(0, len(letters) - 1)]

    def cents(self, high: int) -> int:
        match self.number(0, 9):
            case 0:
                return self.number(0, 10)
            case 1:
                return self.number(0, 10**15)
            case 2:
                return self.number(1, high // 100_000) * 100_000
            case _:
                return self.number(0, high)

    def day(self) -> date:
        """Often one on which something changes; seldom one without rules."""
        match self.number(0, 7):
            case 0:
                return date(2024, 1, 1) + timedelta(days=self.number(-1, 1))
            case 1:
                return date(self.number(2015, 2030), self.number(1, 12), 1) + timedelta(days=self.number(-1, 0))
            case 2:
                return date(2016 + 4 * self.number(0, 3), 2, 28) + timedelta(days=self.number(0, 2))
            case 3 if self.number(0, 3) == 0:
                return (date(2014, 7, 1), date(2014, 1, 1), date(2031, 1, 1))[self.number(0, 2)] \
                    + timedelta(days=self.number(-1, 1))
            case _:
                return date(2015, 1, 1) + timedelta(days=self.number(0, 5843))

    def aid(self, day: date, fiscal_start: tuple[int, int]) -> Aid:
        match self.number(0, 3):
            case 0:
                around = years_before(day, 3)
            case 1:
                around = date(day.year - self.number(2, 3), *fiscal_start)
            case 2:
                around = day
            case _:
                around = day - timedelta(days=self.number(0, 1500))
        return Aid(around + timedelta(days=self.number(-1, 1)), self.number(0, 120_000) * EURO + self.number(0, 99),
                   self.letter("abc"))

    def basis(self, day: date) -> Basis:
        kind = self.letter("nggdd")
        if kind == "g":
            return Basis(kind, self.letter("fies") + self.letter("sml"), self.flag(), self.flag())
        if kind == "n":
            return Basis(kind)
        start = (self.number(1, 12), (1, 1, 1, 15, 28)[self.number(0, 4)])
        aids = tuple(self.aid(day, start) for _ in range(self.number(0, 4)))
        return Basis(kind, fiscal_start=start, is_sgei=self.number(0, 5) == 0, counts_boundary=self.flag(),
                     members=("*", "a", "ab")[self.number(0, 2)], aids=aids)


def single(chance: Chance, kind: str) -> str:
    high = 90_000_000 if kind == "x" else 400_000_000
    day, rate = chance.day(), 5000 if chance.flag() else chance.number(1, 10_000)
    ceiling = high // 3 if chance.flag() else 1 + chance.cents(high)
    budget, requested = chance.cents(high), chance.cents(high)
    cost = budget if chance.flag() else chance.cents(high)
    basis = chance.basis(day)
    words = f"{kind} {day:%Y%m%d} {rate} {ceiling} {budget} {cost} {requested} {basis}"
    try:
        cap = basis.cap(cost, day)
    except NoRules:
        return f"{words} = !"
    grant, rule = binding([("r", Fraction(rate, 10_000) * budget), ("c", ceiling), ("s", cap), ("q", requested)])
    return f"{words} = {grant} {rule} {'-' if cap is None else floor(cap)}"


def several(chance: Chance) -> str:
    day, rate = chance.day(), 5000 if chance.flag() else chance.number(1, 10_000)
    ceiling = 30_000_000 if chance.flag() else 1 + chance.cents(90_000_000)
    policies = chance.flag(), chance.flag()
    partners = []
    for _ in range(chance.number(1, 4)):
        basis = chance.basis(day)
        # One set of rules for all of them.
        basis = Basis(**{**basis.__dict__, "adds_up": policies[0], "counts_boundary": policies[1]})
        partners.append(Partner(chance.letter("ab"), *(chance.cents(60_000_000) for _ in range(3)), basis))
    words = f"c {day:%Y%m%d} {rate} {ceiling} {' '.join(str(partner) for partner in partners)}"
    try:
        grant, rule, shares = consortium(partners, rate, ceiling, day)
    except NoRules:
        return f"{words} = !"
    return f"{words} = {grant} {rule} {' '.join(f'{cents},{of}' for cents, of in shares)}"


def amount_split(chance: Chance) -> str:
    weights = [chance.cents(50_000_000) if chance.number(0, 4) else 0 for _ in range(chance.number(1, 6))]
    amount = chance.cents(30_000_000) if sum(weights) else 0
    return f"s {amount} {' '.join(map(str, weights))} = {' '.join(map(str, split(amount, weights)))}"


def parties(chance: Chance) -> str:
    """Half of them share ten cents, so that the limits are met exactly."""
    count, are_tenths, rest = chance.number(1, 4), chance.flag(), 10
    found = []
    for place in range(count):
        cost = rest if place == count - 1 else chance.number(0, rest)
        rest -= cost
        found.append((chance.letter("smlpx"), chance.letter("abc"),
                      cost if are_tenths else chance.number(0, 10_000_000)))
    return f"k {' '.join(f'{kind}{group}{cost}' for kind, group, cost in found)} = {collaboration(found)}"


def cases(seed: int, count: int) -> Iterator[str]:
    """So many grants; a split and a collaboration with every tenth of them."""
    chance = Chance(seed)
    for place in range(count):
        match place % 10:
            case 0:
                yield several(chance)
                yield amount_split(chance)
                yield parties(chance)
            case 1 | 2:
                yield single(chance, "a")
            case _:
                yield single(chance, "x")


def text(seed: int, count: int) -> str:
    return "".join(f"{line}\n" for line in cases(seed, count))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with cases-2026.txt instead of writing it")
    parser.add_argument("--seed", type=int, metavar="N", help="write other cases to standard output")
    parser.add_argument("--count", type=int, metavar="N", default=COUNT)
    arguments = parser.parse_args()
    target = HERE / f"cases-{SEED}.txt"
    if arguments.seed is not None:
        sys.stdout.write(text(arguments.seed, arguments.count))
    elif arguments.check:
        if target.read_text(encoding="utf-8") != text(SEED, COUNT):
            print(f"{target.name} is not what reference.py writes: run it without --check", file=sys.stderr)
            return 1
    else:
        target.write_text(text(SEED, COUNT), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
