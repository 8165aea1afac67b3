"""The ledger's rules, one by one, as the app role on real PostgreSQL."""

import asyncio
from collections import Counter

import psycopg
import pytest

from cutroom.contracts.base import JobRef
from cutroom.contracts.ids import new_id
from cutroom.contracts.jobs import Settled
from cutroom.errors import Conflict, InsufficientCredits, InvalidRequest, NotFound
from cutroom.store import entries, identity, ledger
from cutroom.store.database import Database
from tests.conftest import DatabaseUrls
from tests.money.conftest import Books, NewJob, on


async def test_a_job_holds_then_spends_and_the_rest_comes_back(books: Books, new_job: NewJob) -> None:
    job = await new_job()
    await books.grant(100)
    assert await books.balance() == (100, 0, 0, 0, 0)
    await books.hold(job, 20)
    assert await books.balance() == (80, 20, 0, 0, 0)
    assert await books.settle(job, 15) == Settled(spent=15, released=5)
    assert await books.balance() == (85, 0, 15, 0, 0)


async def test_a_job_that_releases_gets_all_back(books: Books, new_job: NewJob) -> None:
    job = await new_job()
    await books.grant(20)
    await books.hold(job, 20)
    assert await books.settle(job, 0) == Settled(spent=0, released=20)
    assert await books.balance() == (20, 0, 0, 0, 0)


async def test_the_same_call_again_adds_nothing_and_answers_the_same(books: Books, new_job: NewJob) -> None:
    job = await new_job()
    assert await books.grant(100, name="first", ends=9) == await books.grant(100, name="first", ends=9, day=3)
    for _ in range(2):
        await books.hold(job, 20)
    assert await books.balance() == (80, 20, 0, 0, 0)
    assert await books.settle(job, 15) == await books.settle(job, 15) == Settled(spent=15, released=5)
    await books.hold(job, 20)
    assert await books.balance() == (85, 0, 15, 0, 0)


async def test_another_call_under_the_same_name_is_a_conflict_and_changes_nothing(books: Books, new_job: NewJob) -> None:
    job = await new_job()
    await books.grant(100, name="first")
    with pytest.raises(Conflict):
        await books.grant(101, name="first")
    with pytest.raises(Conflict):
        await books.grant(100, name="first", ends=5)
    await books.hold(job, 20)
    with pytest.raises(Conflict):
        await books.hold(job, 21)
    await books.settle(job, 15)
    with pytest.raises(Conflict):
        await books.settle(job, 14)
    assert await books.balance() == (85, 0, 15, 0, 0)


async def test_too_few_credits_hold_nothing(books: Books, new_job: NewJob) -> None:
    job = await new_job()
    await books.grant(19)
    with pytest.raises(InsufficientCredits) as refused:
        await books.hold(job, 20)
    assert refused.value.status == 402
    assert await books.balance() == (19, 0, 0, 0, 0)
    await books.grant(1)
    await books.hold(job, 20)
    assert await books.balance() == (0, 20, 0, 0, 0)


async def test_settling_what_was_never_held_moves_nothing_and_a_late_hold_holds_nothing(books: Books, new_job: NewJob) -> None:
    job = await new_job()
    await books.grant(100)
    for _ in range(2):
        assert await books.settle(job, 7) == Settled(spent=0, released=0)
    await books.hold(job, 20)
    assert await books.balance() == (100, 0, 0, 0, 0)


async def test_settling_a_job_that_does_not_exist_is_no_error(books: Books, org_id: str) -> None:
    assert await books.settle(JobRef(org_id=org_id, job_id=new_id("cmp")), 0) == Settled(spent=0, released=0)


async def test_a_job_cannot_spend_more_than_it_holds(books: Books, new_job: NewJob) -> None:
    job = await new_job()
    await books.grant(100)
    await books.hold(job, 20)
    for spent in (21, -1):
        with pytest.raises(InvalidRequest):
            await books.settle(job, spent)
    assert await books.balance() == (80, 20, 0, 0, 0)


@pytest.mark.parametrize("amount", [0, -5])
async def test_only_positive_amounts_are_given_and_held(books: Books, new_job: NewJob, amount: int) -> None:
    job = await new_job()
    with pytest.raises(InvalidRequest):
        await books.grant(amount)
    with pytest.raises(InvalidRequest):
        await books.hold(job, amount)


async def test_what_ends_soonest_is_held_first_and_spent_first(books: Books, new_job: NewJob) -> None:
    job = await new_job()
    await books.grant(10)
    await books.grant(10, ends=20)
    await books.grant(10, ends=10)
    await books.hold(job, 15)
    # Of 10 ending on day 10 and 5 ending on day 20 were held 15; the rest ends on day 20 (5) and never (10).
    assert await books.balance(day=10) == (15, 15, 0, 0, 0)
    assert await books.balance(day=20) == (10, 15, 0, 5, 0)
    await books.settle(job, 10, day=9)
    assert await books.balance(day=10) == (20, 0, 10, 0, 0)


async def test_credits_end_on_their_day_swept_or_not(books: Books, new_job: NewJob) -> None:
    job = await new_job()
    await books.grant(30, ends=10)
    assert await books.balance(day=9.99) == (30, 0, 0, 0, 0)
    assert await books.balance(day=10) == (0, 0, 0, 30, 0)
    with pytest.raises(InsufficientCredits):
        await books.hold(job, 1, day=10)
    assert await books.expire(day=9.99) == 0
    assert await books.expire(day=10) == 30
    assert await books.expire(day=11) == 0
    assert await books.balance(day=11) == (0, 0, 0, 30, 0)


async def test_a_grant_does_not_end_under_a_hold_and_what_comes_back_lasts_7_days_more(books: Books, new_job: NewJob) -> None:
    job, next_job = await new_job(), await new_job()
    await books.grant(30, ends=10)
    await books.hold(job, 20, day=5)
    assert await books.expire(day=12) == 10
    assert await books.balance(day=12) == (0, 20, 0, 10, 0)
    await books.settle(job, 5, day=13)
    assert await books.balance(day=19.99) == (15, 0, 5, 10, 0)
    await books.hold(next_job, 8, day=19.99)
    assert await books.balance(day=20) == (0, 8, 5, 17, 0)
    assert await books.expire(day=20) == 7
    await books.settle(next_job, 3, day=30)
    assert await books.balance(day=36.99) == (5, 0, 8, 17, 0)
    assert await books.expire(day=37) == 5
    assert await books.balance(day=37) == (0, 0, 8, 22, 0)


async def test_what_was_not_held_does_not_last_longer_because_something_else_came_back(books: Books, new_job: NewJob) -> None:
    job = await new_job()
    await books.grant(30, ends=10)
    await books.hold(job, 20, day=5)
    # Nobody swept between day 10 and day 13.
    await books.settle(job, 0, day=13)
    assert await books.balance(day=13) == (20, 0, 0, 10, 0)


async def test_what_came_back_before_the_end_ends_with_its_grant(books: Books, new_job: NewJob) -> None:
    job = await new_job()
    await books.grant(30, ends=10)
    await books.hold(job, 20)
    await books.settle(job, 0, day=9)
    assert await books.balance(day=10) == (0, 0, 0, 30, 0)


async def test_each_release_after_the_end_has_its_own_7_days(books: Books, new_job: NewJob) -> None:
    first, second = await new_job(), await new_job()
    await books.grant(30, ends=10)
    await books.hold(first, 20)
    await books.hold(second, 10)
    await books.settle(first, 0, day=11)
    await books.settle(second, 0, day=15)
    assert await books.balance(day=17.99) == (30, 0, 0, 0, 0)
    assert await books.balance(day=18) == (10, 0, 0, 20, 0)
    assert await books.balance(day=22) == (0, 0, 0, 30, 0)


async def test_a_disputed_grant_takes_even_what_was_spent_and_only_then_the_balance_falls_below_zero(
    books: Books, new_job: NewJob
) -> None:
    spent, held, later = await new_job(), await new_job(), await new_job()
    grant_id = await books.grant(50)
    await books.hold(spent, 20)
    await books.settle(spent, 20)
    await books.hold(held, 10)
    assert await books.revoke(grant_id) == await books.revoke(grant_id) == 50
    assert await books.balance() == (-30, 10, 20, 0, 50)
    await books.settle(held, 0)
    assert await books.balance() == (-20, 0, 20, 0, 50)
    await books.grant(25)
    with pytest.raises(InsufficientCredits):
        await books.hold(later, 6)
    await books.hold(later, 5)
    assert await books.balance() == (0, 5, 20, 0, 50)


async def test_a_dispute_does_not_take_what_had_expired(books: Books, new_job: NewJob) -> None:
    job = await new_job()
    grant_id = await books.grant(50, ends=10)
    await books.hold(job, 20)
    await books.settle(job, 20)
    assert await books.revoke(grant_id, day=11) == 20
    assert await books.balance(day=11) == (-20, 0, 20, 30, 20)
    with pytest.raises(NotFound):
        await books.revoke(new_id("grt"))


async def test_live_and_test_credits_never_mix(books: Books, new_job: NewJob) -> None:
    job = await new_job()
    await books.grant(100, mode="test")
    with pytest.raises(InsufficientCredits):
        await books.hold(job, 1)
    await books.hold(job, 1, mode="test")
    with pytest.raises(Conflict):
        await books.hold(job, 1)
    assert await books.balance() == (0, 0, 0, 0, 0)
    assert await books.balance(mode="test") == (99, 1, 0, 0, 0)


async def test_no_organisation_reaches_anothers_credits(books: Books, system: Database, app: Database, new_job: NewJob) -> None:
    async with system.transaction(None) as session:
        other = Books(app, await identity.create_organisation(session, "other"))
    grant_id = await books.grant(100)
    assert await other.balance() == (0, 0, 0, 0, 0)
    with pytest.raises(NotFound):
        await other.revoke(grant_id)
    assert await other.settle(await new_job(), 0) == Settled(spent=0, released=0)
    assert await books.balance() == (100, 0, 0, 0, 0)


async def test_twenty_holds_of_75_at_once_against_500_let_six_through(books: Books, new_job: NewJob) -> None:
    await books.grant(300, ends=10)
    await books.grant(200)
    jobs = [await new_job() for _ in range(20)]
    answers = await asyncio.gather(*(books.hold(job, 75) for job in jobs), return_exceptions=True)
    assert Counter(type(answer) for answer in answers) == {type(None): 6, InsufficientCredits: 14}
    assert await books.balance() == (50, 450, 0, 0, 0)


async def test_fifty_settles_at_once_have_one_winner(books: Books, new_job: NewJob) -> None:
    job = await new_job()
    await books.grant(100)
    await books.hold(job, 60)
    answers = await asyncio.gather(*(books.settle(job, spent) for spent in range(50)), return_exceptions=True)
    won = [answer for answer in answers if isinstance(answer, Settled)]
    assert len(won) == 1
    assert all(isinstance(answer, Conflict) for answer in answers if answer not in won)
    spent = won[0].spent
    assert won[0].released == 60 - spent
    assert await books.balance() == (100 - spent, 0, spent, 0, 0)


async def test_fifty_equal_settles_at_once_charge_once_and_answer_the_same(books: Books, new_job: NewJob) -> None:
    job = await new_job()
    await books.grant(100)
    await books.hold(job, 60)
    answers = await asyncio.gather(*(books.settle(job, 35) for _ in range(50)))
    assert set(answers) == {Settled(spent=35, released=25)}
    assert await books.balance() == (65, 0, 35, 0, 0)


async def test_grants_holds_expiry_and_disputes_at_once_neither_lock_up_nor_lose_a_credit(books: Books, new_job: NewJob) -> None:
    grants = [await books.grant(20, ends=5 + number) for number in range(6)]
    jobs = [await new_job() for _ in range(10)]

    async def call(number: int) -> None:
        job = jobs[number % 10]
        match number % 4:
            case 0:
                await books.hold(job, 9, day=6)
            case 1:
                await books.settle(job, 4, day=7)
            case 2:
                await books.expire(day=6 + number % 5)
            case _:
                await books.revoke(grants[number % 6], day=7)

    answers = await asyncio.gather(*(call(number) for number in range(80)), return_exceptions=True)
    assert {type(answer) for answer in answers} <= {type(None), Conflict, InsufficientCredits, InvalidRequest}
    assert sum(await books.balance(day=11)) == 120


async def test_open_holds_are_those_nobody_settled_of_every_organisation(books: Books, system: Database, new_job: NewJob) -> None:
    settled, released, first, second = [await new_job() for _ in range(4)]
    await books.grant(100)
    for day, job in enumerate((settled, first, second, released)):
        await books.hold(job, 10 + day, day=day)
    await books.settle(settled, 10)
    await books.settle(released, 0)
    async with system.transaction(None) as session:
        found = [hold for hold in await ledger.open_holds(session) if hold.org_id == books.org_id]
    assert [(hold.operation_id, hold.amount, hold.since) for hold in found] == [
        (first.job_id, 11, on(1)),
        (second.job_id, 12, on(2)),
    ]


async def test_entries_tell_every_movement_newest_first_page_by_page(books: Books, app: Database, new_job: NewJob) -> None:
    job = await new_job()
    await books.grant(10, name="small", ends=10)
    await books.grant(90, name="large", day=1)
    await books.hold(job, 20, day=2)
    await books.settle(job, 15, day=3)
    await books.grant(5, name="other", mode="test", day=4)
    told: list[entries.Entry] = []
    cursor: str | None = None
    while True:
        async with app.transaction(books.org_id) as session:
            page = await entries.entries(session, books.org_id, "live", cursor, 3)
        told += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert [(entry.operation_id, entry.phase, entry.job_id, entry.at, entry.amounts) for entry in told] == [
        (job.job_id, "settle", job.job_id, on(3), {"held": -20, "spent": 15, "available": 5}),
        (job.job_id, "hold", job.job_id, on(2), {"available": -20, "held": 20}),
        ("large", "grant", None, on(1), {"available": 90}),
        ("small", "grant", None, on(0), {"available": 10}),
    ]


@pytest.mark.parametrize("change", ["update ledger_postings set amount = amount + 1", "delete from ledger_operations"])
async def test_what_is_written_stays_written(books: Books, database_urls: DatabaseUrls, change: str) -> None:
    await books.grant(100)
    with psycopg.connect(database_urls.system) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(change)
