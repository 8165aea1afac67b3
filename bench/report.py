"""What every part of the bench gives: figures with their targets and what others reach, as a table and as JSON."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Figure:
    """One measured number, or a few in words. `good`: whether it meets `target`, None for what is only shown.

    `peers`: the same of others.
    """

    name: str
    value: float | str | None
    unit: str = ""
    target: str = ""
    good: bool | None = None
    peers: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """The figures of one part of the engine on `inputs`. `notes`: what a reader must know to judge them."""

    name: str
    inputs: list[str]
    figures: list[Figure]
    notes: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return all(figure.good is not False for figure in self.figures)


def at_most(name: str, value: float, limit: float, unit: str = "", peers: Mapping[str, float | None] | None = None) -> Figure:
    """A figure that must not be higher."""
    return Figure(name, value, unit, f"<= {limit:g}", value <= limit, peers or {})


def at_least(name: str, value: float, limit: float, unit: str = "", peers: Mapping[str, float | None] | None = None) -> Figure:
    """A figure that must not be lower."""
    return Figure(name, value, unit, f">= {limit:g}", value >= limit, peers or {})


def as_json(parts: Iterable[Part]) -> str:
    return json.dumps([asdict(part) | {"good": part.good} for part in parts], indent=1)


def from_json(text: str) -> list[Part]:
    """What `as_json` gave."""
    parts = [{name: value for name, value in part.items() if name != "good"} for part in json.loads(text)]
    return [Part(**part | {"figures": [Figure(**figure) for figure in part["figures"]]}) for part in parts]


def as_text(part: Part) -> str:
    """A table for a terminal."""
    rows = [_cells(figure) for figure in part.figures]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(len(rows[0]) if rows else 0)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([f"{part.name}: {', '.join(part.inputs)}", *lines, *part.notes])


def as_markdown(part: Part) -> str:
    """The same as a section of a document."""
    rows = [f"| {' | '.join(_cells(figure))} |" for figure in part.figures]
    head = ["| figure | measured | target | | others |", "| --- | --- | --- | --- | --- |"]
    notes = [line for note in part.notes for line in (note, "")]
    return "\n".join([f"## {part.name}", "", f"On {', '.join(part.inputs)}.", "", *head, *rows, "", *notes])


def show(part: Part, as_json_: bool) -> int:
    """Print one part, as a table or as JSON; the exit status says whether every target was met."""
    print(as_json([part]) if as_json_ else as_text(part))
    return 0 if part.good else 1


def _cells(figure: Figure) -> tuple[str, str, str, str, str]:
    verdict = "" if figure.good is None else "ok" if figure.good else "MISSED"
    others = ", ".join(f"{name} {_number(value)}" for name, value in figure.peers.items())
    return figure.name, f"{_number(figure.value)} {figure.unit}".strip(), figure.target, verdict, others


def _number(value: float | str | None) -> str:
    return "-" if value is None else value if isinstance(value, str) else f"{value:.4g}"
