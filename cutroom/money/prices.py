"""Price books and quotes. Pure.

A book is never changed, only followed by a newer one: a job keeps the version it was quoted.
"""

from math import isfinite
from typing import Literal

from cutroom.contracts.base import Frozen
from cutroom.errors import InvalidRequest

# Version -> kind of job -> line -> credits for one of it.
BOOKS: dict[str, dict[str, dict[str, int]]] = {
    "2026-11": {"campaign": {"analysis": 1, "clip": 5}},
}
CURRENT = "2026-11"


class QuoteLine(Frozen):
    """`quantity` of `kind` at `each` credits. `analysis` counts started source minutes, `clip` counts clips."""

    kind: str
    quantity: int
    each: int
    amount: int


class Quote(Frozen):
    """The most that a job can cost, in credits. `jobs.price` keeps it as JSON."""

    lines: list[QuoteLine]
    total: int
    unit: Literal["credit"] = "credit"
    price_version: str


def quote(kind: str, *, source_s: float, clips: int, version: str = CURRENT) -> Quote:
    """What a job of `kind` costs at most, for a source of `source_s` seconds and `clips` clips.

    Raises InvalidRequest (`kind_unknown`, `price_version_unknown`, `source_length_invalid`, `clip_count_invalid`).
    """
    if version not in BOOKS:
        raise InvalidRequest("There is no such price version; leave it out.", code="price_version_unknown", field="price_version")
    if kind not in BOOKS[version]:
        raise InvalidRequest("There is no price for this kind of job.", code="kind_unknown", field="kind")
    if not (isfinite(source_s) and source_s > 0):
        raise InvalidRequest("The source must be longer than nothing.", code="source_length_invalid", field="source_s")
    if clips < 1:
        raise InvalidRequest("Ask for at least one clip.", code="clip_count_invalid", field="clips")
    quantities = {"analysis": started_minutes(source_s), "clip": clips}
    lines = [
        QuoteLine(kind=line, quantity=quantities[line], each=each, amount=quantities[line] * each)
        for line, each in BOOKS[version][kind].items()
    ]
    return Quote(lines=lines, total=sum(line.amount for line in lines), price_version=version)


def started_minutes(seconds: float) -> int:
    """Minutes begun, at least one. Counted in milliseconds, so that the noise of a float never costs a minute."""
    return max(1, -(-round(seconds * 1000) // 60_000))
