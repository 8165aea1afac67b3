"""Quotes: prices that are promised for a while, each to one job."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cutroom.errors import Conflict, NotFound
from cutroom.store.tables import KeptQuote


async def keep(session: AsyncSession, row: KeptQuote) -> None:
    """Add a quote."""
    session.add(row)
    await session.flush()


async def get(session: AsyncSession, quote_id: str, mode: str) -> KeptQuote:
    """A quote of this mode. Raises NotFound (`quote_unknown`)."""
    return _of_mode(await session.get(KeptQuote, quote_id), mode)


async def claim(session: AsyncSession, quote_id: str, mode: str, kind: str, asset_id: str) -> KeptQuote:
    """The quote for a job of this kind and asset, kept from other jobs until the transaction ends; its caller sets `job_id`.

    Raises NotFound (`quote_unknown`), Conflict (`quote_expired`, `quote_used`, `quote_differs`).
    """
    kept = _of_mode(await session.get(KeptQuote, quote_id, with_for_update=True, populate_existing=True), mode)
    if kept.job_id is not None:
        raise Conflict("This quote was used for another job; ask for a new one.", code="quote_used", field="quote_id")
    if kept.expires_at <= (await session.execute(select(func.now()))).scalar_one():
        raise Conflict("This quote has expired; ask for a new one.", code="quote_expired", field="quote_id")
    if (kept.kind, kept.asset_id) != (kind, asset_id):
        raise differs()
    return kept


def differs() -> Conflict:
    return Conflict("This quote is for something else, or for less; ask for a new one.", code="quote_differs", field="quote_id")


def _of_mode(kept: KeptQuote | None, mode: str) -> KeptQuote:
    if kept is None or kept.mode != mode:
        raise NotFound("There is no such quote in this organisation.", code="quote_unknown", field="quote_id")
    return kept
