"""Lists, a page at a time: newest first, from a cursor that stays right while rows are added."""

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from cutroom.errors import InvalidRequest

Row = TypeVar("Row")


@dataclass(frozen=True)
class Page(Generic[Row]):
    """`next_cursor` is None on the last page."""

    items: list[Row]
    next_cursor: str | None


async def read_page(session: AsyncSession, query: Select[Row], at: Any, id: Any, cursor: str | None, limit: int) -> Page[Row]:
    """A page of `query`, newest first by the columns `at` and `id` of its rows.

    Raises InvalidRequest (`cursor_invalid`) for a cursor that no page gave out.
    """
    if cursor is not None:
        query = query.where(tuple_(at, id) < _decode(cursor))
    rows = list((await session.scalars(query.order_by(at.desc(), id.desc()).limit(limit + 1))).all())
    more = len(rows) > limit
    last = rows[limit - 1] if more else None
    return Page(rows[:limit], _encode(getattr(last, at.key), getattr(last, id.key)) if last is not None else None)


def _encode(at: datetime, id: str) -> str:
    return base64.urlsafe_b64encode(f"{at.isoformat()} {id}".encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[datetime, str]:
    try:
        at, _, id = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii").partition(" ")
        if not (id.isprintable() and datetime.fromisoformat(at).tzinfo):
            raise ValueError("not a place in a list")
        return datetime.fromisoformat(at), id
    except ValueError as error:
        raise InvalidRequest(
            "This cursor is not one that a list gave out; start again without it.", code="cursor_invalid", field="cursor"
        ) from error
