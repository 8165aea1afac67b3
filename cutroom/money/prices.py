"""Quotes: what a job costs at most, by a price book. Pure."""

from math import ceil, isfinite

from cutroom.contracts.base import Frozen
from cutroom.errors import InvalidRequest
from cutroom.money.books import BOOKS, CURRENT, Tariff


class QuoteLine(Frozen):
    """`quantity` of `kind` at `each`.

    `analysis` and `minute` count started source minutes, `clip` clips, `second_...` started seconds in a resolution; `minimum`
    is what these lack of the least that a job costs. `reel` comes on top, so that what is left without it can still be charged.
    """

    kind: str
    quantity: int
    each: int
    amount: int


class Quote(Frozen):
    """The most that a job can cost. `unit`: `credit`, or a currency such as `usd`, of which the amounts are minor units.

    `jobs.price` keeps it as JSON.
    """

    lines: list[QuoteLine]
    total: int
    unit: str = "credit"
    price_version: str


def quote(
    kind: str,
    *,
    source_s: float,
    clips: int = 0,
    reel: bool = False,
    currency: str | None = None,
    resolution: str = "",
    version: str = CURRENT,
) -> Quote:
    """What a job of `kind` costs at most.

    `source_s`: seconds of the source, or of the video to generate, in `resolution`. `reel`: with a summary's highlight reel.
    `currency`: which one is paid in, where the kind is not paid in credits; without it, the usual one.

    Raises InvalidRequest (`kind_unknown`, `price_version_unknown`, `currency_unknown`, `resolution_unknown`,
    `source_length_invalid`, `clip_count_invalid`).
    """
    unit, tariff = _tariff(kind, currency, version)
    if not (isfinite(source_s) and source_s > 0):
        raise InvalidRequest("The source must be longer than nothing.", code="source_length_invalid", field="source_s")
    if "clip" in tariff.lines and clips < 1:
        raise InvalidRequest("Ask for at least one clip.", code="clip_count_invalid", field="clips")
    minutes = started_minutes(source_s)
    quantities = {"analysis": minutes, "minute": minutes, "clip": clips, f"second_{resolution}": ceil(source_s)}
    counted = {line: quantities[line] for line in tariff.lines if line in quantities}
    if not counted:
        raise InvalidRequest("There is no price for this resolution.", code="resolution_unknown", field="resolution")
    lines = [_line(line, quantity, tariff.lines[line]) for line, quantity in counted.items()]
    lacking = tariff.minimum - sum(line.amount for line in lines)
    if lacking > 0:
        lines.append(_line("minimum", 1, lacking))
    if reel:
        lines.append(_line("reel", 1, tariff.lines["reel"]))
    return Quote(lines=lines, total=sum(line.amount for line in lines), unit=unit, price_version=version)


def _tariff(kind: str, currency: str | None, version: str) -> tuple[str, Tariff]:
    """The unit that is paid in, and the prices in it."""
    if version not in BOOKS:
        raise InvalidRequest("There is no such price version; leave it out.", code="price_version_unknown", field="price_version")
    tariffs = BOOKS[version].prices.get(kind)
    if tariffs is None:
        raise InvalidRequest("There is no price for this kind of job.", code="kind_unknown", field="kind")
    unit = next(iter(tariffs)) if currency is None else currency
    if unit not in tariffs:
        raise InvalidRequest(
            f"There is no price in this currency; pay in {', '.join(tariffs)}.", code="currency_unknown", field="currency"
        )
    return unit, tariffs[unit]


def _line(kind: str, quantity: int, each: int) -> QuoteLine:
    return QuoteLine(kind=kind, quantity=quantity, each=each, amount=quantity * each)


def started_minutes(seconds: float) -> int:
    """Minutes begun, at least one. Counted in milliseconds, so that the noise of a float never costs a minute."""
    return max(1, -(-round(seconds * 1000) // 60_000))
