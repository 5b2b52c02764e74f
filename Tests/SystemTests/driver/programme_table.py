"""The programme on one screen: what was meant, what happened, what the money bought."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .wave import Wave

THIN_SPACE = "\u202f"


def euros(cents: int) -> str:
    """As in French print: `1 150 000,01 €` with narrow spaces."""
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{number(whole)},{rest:02d}{THIN_SPACE}€"


def number(value: int) -> str:
    return f"{value:,}".replace(",", THIN_SPACE)


def aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    """First column to the left, the others to the right."""
    table = [list(row) for row in rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    return [("  " + "  ".join(cell.ljust(width) if column == 0 else cell.rjust(width)
                              for column, (cell, width) in enumerate(zip(row, widths, strict=True)))).rstrip()
            for row in table]


def programme_lines(wave: Wave, programme: dict[str, Any]) -> list[str]:
    return [
        "", "Programme, vague 1 (wave 1; actors and answers are synthetic)", "",
        *_places(programme), "", *_money(programme), "", *_experiments(wave, programme), "",
        *_responses(wave, programme),
    ]


def _places(programme: dict[str, Any]) -> list[str]:
    names = {"target": "visées (target)", "funded": "retenues (funded)", "reserve": "liste d'attente (reserve list)",
             "contracted": "conventionnées (contracted)", "opened": "ouvertes (opened)"}
    rows = [("Places", "")] + [(label, number(programme["places"][name]["count"])) for name, label in names.items()]
    ineligible = sum(1 for _ in programme["applications"]["ineligible"])
    return aligned([*rows, ("candidatures inéligibles (ineligible)", number(ineligible))])


def _money(programme: dict[str, Any]) -> list[str]:
    steps = {"envelope": "enveloppe (envelope)", "reserved": "réservé (reserved)", "committed": "engagé (committed)",
             "released": "débloqué (released)", "paid": "payé (paid)"}
    rows: list[tuple[str, ...]] = [("Argent (money)", "animation", "expérimentations", "total")]
    for step, label in steps.items():
        amounts = (programme["money"][scope][step]["cents"] for scope in ("animation", "experiments", "total"))
        rows.append((label, *map(euros, amounts)))
    return aligned(rows)


def _experiments(wave: Wave, programme: dict[str, Any]) -> list[str]:
    titles = {wave.experiments[e["key"]]: e["title"] for e in wave.scenario["experiments"]}
    rows = [("Expérimentations (experiments)", "état (state)", "participants", "réponses (responses)", "cofinancement")]
    for line in sorted(programme["experiments"], key=lambda line: str(titles.get(line["experiment"]))):
        rows.append((str(titles.get(line["experiment"])), line["state"], number(line["participants"]["count"]),
                     number(line["responsesCount"]), euros(line["cofunding"]["cents"])))
    return aligned(rows)


def _responses(wave: Wave, programme: dict[str, Any]) -> list[str]:
    """The first, the middle and the last time of measure: all 104 cells would fill three screens."""
    weeks = wave.scenario["feedback"]["weeks"]
    shown = [f"W{week}" for week in (1, weeks // 2, weeks)]
    cells = {(r["experiment"], r["instrument"], r["occasion"]): r for r in programme["responses"]}
    rows: list[tuple[str, ...]] = [("Mesures (measures)", *(f"{week} n" if part else week
                                                            for week in shown for part in (0, 1)))]
    for experiment in wave.scenario["experiments"]:
        for instrument, figure, label in (("SUS", "mean", "SUS moyen (mean)"), ("NPS", "nps", "NPS")):
            row = [f"{experiment['title']}, {label}"]
            for week in shown:
                cell = cells.get((wave.experiments[experiment["key"]], instrument, week), {})
                row += [str(cell.get(figure)).replace(".", ","), str(cell.get("n"))]
            rows.append(tuple(row))
    return aligned(rows)
