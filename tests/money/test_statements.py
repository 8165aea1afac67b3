"""A statement adds up, and a spreadsheet runs nothing of it."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutroom.errors import InvalidRequest
from cutroom.money.statements import FORMULA_STARTS, to_csv
from cutroom.store.database import Database
from cutroom.store.entries import ACCOUNTS, Entry, Statement, statement
from tests.money.conftest import Books, NewJob, on

NOTHING = dict.fromkeys(ACCOUNTS, 0)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def amounts(row: dict[str, str]) -> list[int]:
    return [int(row[name]) for name in ACCOUNTS]


async def read(app: Database, books: Books, first: float | None = None, end: float | None = None) -> list[dict[str, str]]:
    since, until = (None if day is None else on(day) for day in (first, end))
    async with app.transaction(books.org_id) as session:
        return rows_of(to_csv(await statement(session, books.org_id, "live", since, until)))


@pytest.fixture
async def busy(books: Books, new_job: NewJob) -> Books:
    """A grant on day -20, a hold, a settle, a refund and a correction on the days after it; and test credits."""
    job = await new_job()
    await books.grant(100, day=-20)
    await books.hold(job, 20, day=-19)
    await books.settle(job, 15, day=-18)
    await books.refund(job, 5, day=-17)
    await books.adjust(-10, reason="typed twice", day=-16)
    await books.grant(7, mode="test", day=-16)
    return books


async def test_a_statement_adds_up_from_its_opening_to_its_closing(app: Database, busy: Books) -> None:
    rows = await read(app, busy, -19, -16)
    assert [row["entry"] for row in rows] == ["opening balance", "hold", "settle", "refund", "closing balance"]
    assert amounts(rows[0]) == [100, 0, 0, 0, 0, 100]
    assert amounts(rows[-1]) == [90, 0, 10, 0, 0, 100]
    assert amounts(rows[-1]) == [sum(column) for column in zip(*(amounts(row) for row in rows[:-1]), strict=True)]
    for row in rows:
        *parts, granted = amounts(row)
        assert sum(parts) == granted


async def test_one_period_opens_with_what_the_one_before_closed_with(app: Database, busy: Books) -> None:
    whole = await read(app, busy, None, 0)
    first, second = await read(app, busy, None, -18), await read(app, busy, -18, 0)
    assert amounts(first[-1]) == amounts(second[0])
    assert first[1:-1] + second[1:-1] == whole[1:-1]
    assert (amounts(whole[0]), amounts(whole[-1])) == ([0] * 6, amounts(second[-1])) == ([0] * 6, [80, 0, 10, 0, 10, 100])
    assert whole[-2]["reason"] == "typed twice"


async def test_a_statement_ends_now_at_the_latest_and_after_it_begins(app: Database, busy: Books) -> None:
    rows = await read(app, busy, None, 10**5)
    assert datetime.fromisoformat(rows[-1]["at"]) <= datetime.now(UTC)
    for first, end in ((-5, -6), (10**5, None)):
        with pytest.raises(InvalidRequest) as refused:
            await read(app, busy, first, end)
        assert refused.value.code == "period_invalid"


async def test_a_statement_is_of_a_year_at_most_and_of_the_last_one_where_no_beginning_is_named(app: Database, busy: Books) -> None:
    whole = await read(app, busy, None, 20)
    assert datetime.fromisoformat(whole[-1]["at"]) - datetime.fromisoformat(whole[0]["at"]) == timedelta(days=366)
    with pytest.raises(InvalidRequest, match="366 days at most") as refused:
        await read(app, busy, -400, -33.9)
    assert refused.value.code == "period_too_long"
    assert await read(app, busy, -400, -34)
    (opening, *_) = await read(app, busy, -15, 0)
    assert amounts(opening) == [80, 0, 10, 0, 10, 100]


def with_reason(reason: str) -> str:
    entry = Entry("op", "grant", "live", None, on(0), reason, NOTHING)
    return rows_of(to_csv(Statement(on(0), on(1), NOTHING, [entry], NOTHING)))[1]["reason"]


@pytest.mark.parametrize("reason", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r=1", "\uff1d1"])
def test_what_a_spreadsheet_would_run_is_text(reason: str) -> None:
    assert with_reason(reason) == f"'{reason}"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_reason_stays_in_its_cell_and_is_no_formula(reason: str) -> None:
    cell = with_reason(reason)
    assert not cell.lstrip().startswith(FORMULA_STARTS)
    assert cell.removeprefix("'") == reason.removeprefix("'")
