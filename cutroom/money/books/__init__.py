"""Price books: what things cost and what plans allow, one file per version.

A published file is never changed, only followed by a newer one, so that what was quoted stays what it was.
"""

import tomllib
from calendar import monthrange
from datetime import datetime
from importlib import resources
from typing import Any

from cutroom.contracts.base import Frozen
from cutroom.contracts.media import Resolution, short_side


class Tariff(Frozen):
    """What one of each line costs, and the least that a job costs: credits, or minor units of a currency."""

    lines: dict[str, int]
    minimum: int = 0


class Plan(Frozen):
    """`price` (minor units of `currency`) and `credits` are a month's; a price of 0 is never asked for.

    `max_source_s`, `max_source_bytes`, `max_jobs` (that have not ended) and `max_resolution` (of clips) limit what the plan
    allows; None: the settings alone do. `watermark`: clips carry a mark. `retention_days`: how long a job's files are kept after
    its end; None: for ever.
    """

    name: str
    price: int = 0
    currency: str = ""
    credits: int = 0
    max_source_s: int | None = None
    max_source_bytes: int | None = None
    max_jobs: int | None = None
    max_resolution: Resolution | None = None
    watermark: bool = False
    retention_days: int | None = None

    @property
    def max_short_side(self) -> int | None:
        """`max_resolution` in pixels."""
        return short_side(self.max_resolution) if self.max_resolution else None


class Pack(Frozen):
    """Credits that are bought once, for `price` minor units of `currency`."""

    name: str
    price: int
    currency: str
    credits: int
    months: int

    def ends(self, bought_at: datetime) -> datetime:
        """When the credits end: the same day `months` later, or the last day of that month where it has no such day."""
        years, month = divmod(bought_at.month - 1 + self.months, 12)
        year, month = bought_at.year + years, month + 1
        return bought_at.replace(year=year, month=month, day=min(bought_at.day, monthrange(year, month)[1]))


class Book(Frozen):
    """One version of all that is sold. `prices`: kind of job -> `credit` or a currency -> tariff, the usual one first."""

    version: str
    prices: dict[str, dict[str, Tariff]]
    plans: dict[str, Plan]
    packs: dict[str, Pack]


def _read(version: str, text: str) -> Book:
    body: dict[str, Any] = tomllib.loads(text)
    named = {part: {name: {"name": name, **each} for name, each in body.get(part, {}).items()} for part in ("plans", "packs")}
    return Book.model_validate({"version": version, "prices": body["prices"], **named})


def _read_all() -> dict[str, Book]:
    files = {file.name.removesuffix(".toml"): file for file in resources.files(__name__).iterdir() if file.name.endswith(".toml")}
    return {version: _read(version, files[version].read_text(encoding="utf-8")) for version in sorted(files)}


# Version -> book, oldest first.
BOOKS = _read_all()
CURRENT = max(BOOKS)
