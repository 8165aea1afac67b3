"""What is mended after the fact: refunds, corrections by hand, and grants that are taken back in part."""

import asyncio
from collections import Counter

import pytest

from cutroom.contracts.ids import new_id
from cutroom.contracts.jobs import Settled
from cutroom.errors import Conflict, InsufficientCredits, InvalidRequest, NotFound
from cutroom.store import postings
from cutroom.store.database import Database
from cutroom.store.postings import Operation
from tests.money.conftest import Books, NewJob, on


async def test_a_refund_gives_back_what_a_job_spent_once(books: Books, new_job: NewJob) -> None:
    job = await new_job()
    await books.grant(100)
    await books.hold(job, 20)
    await books.settle(job, 15)
    for _ in range(2):
        await books.refund(job, 10)
    assert await books.balance() == (95, 0, 5, 0, 0)
    await books.refund(job, 5, name="the rest")
    assert await books.balance() == (100, 0, 0, 0, 0)
    assert await books.settle(job, 15) == Settled(spent=15, released=5)


async def test_a_job_gets_back_no_more_than_it_spent(books: Books, new_job: NewJob) -> None:
    job, other = await new_job(), await new_job()
    await books.grant(100)
    await books.hold(job, 20)
    with pytest.raises(InvalidRequest):
        await books.refund(job, 1)
    await books.settle(job, 15)
    for wrong in (16, 0, -1):
        with pytest.raises(InvalidRequest):
            await books.refund(job, wrong)
    with pytest.raises(InvalidRequest):
        await books.refund(other, 1)
    await books.refund(job, 10)
    with pytest.raises(InvalidRequest):
        await books.refund(job, 6, name="more")
    with pytest.raises(Conflict):
        await books.refund(job, 9)
    with pytest.raises(Conflict):
        await books.refund(other, 10)
    assert await books.balance() == (95, 0, 5, 0, 0)


async def test_what_ends_last_comes_back_first(books: Books, new_job: NewJob) -> None:
    job = await new_job()
    await books.grant(10, ends=5)
    await books.grant(10, ends=30)
    await books.hold(job, 20)
    await books.settle(job, 20)
    await books.refund(job, 10, day=1)
    assert await books.balance(day=6) == (10, 0, 10, 0, 0)


async def test_what_comes_back_to_an_ended_grant_can_be_spent_for_seven_days(books: Books, new_job: NewJob) -> None:
    job, later = await new_job(), await new_job()
    await books.grant(20, ends=5)
    await books.hold(job, 20)
    await books.settle(job, 20, day=1)
    await books.refund(job, 20, day=10)
    await books.hold(later, 5, day=16.9)
    assert await books.balance(day=16.9) == (15, 5, 0, 0, 0)
    assert await books.balance(day=17) == (0, 5, 0, 15, 0)
    assert await books.expire(day=17) == 15


async def test_a_refund_first_makes_up_for_a_dispute(books: Books, new_job: NewJob) -> None:
    job = await new_job()
    grant_id = await books.grant(20)
    await books.hold(job, 20)
    await books.settle(job, 20)
    await books.revoke(grant_id)
    await books.refund(job, 20)
    assert await books.balance() == (0, 0, 0, 0, 20)


async def test_an_operator_corrects_up_and_down_once(books: Books) -> None:
    await books.grant(20, ends=5)
    for _ in range(2):
        await books.adjust(30, name="up")
        await books.adjust(-25, name="down")
    assert await books.balance() == (25, 0, 0, 0, 25)
    assert await books.balance(day=6) == (25, 0, 0, 0, 25)  # what ends soonest was taken first


async def test_a_correction_takes_nothing_that_is_not_there(books: Books, new_job: NewJob) -> None:
    await books.grant(20, ends=5)
    await books.hold(await new_job(), 15)
    with pytest.raises(InsufficientCredits):
        await books.adjust(-6)
    with pytest.raises(InsufficientCredits):
        await books.adjust(-1, day=5)
    with pytest.raises(InsufficientCredits):
        await books.adjust(-1, mode="test")
    with pytest.raises(InvalidRequest):
        await books.adjust(0)
    await books.adjust(-5)
    assert await books.balance() == (0, 15, 0, 0, 5)


@pytest.mark.parametrize(
    ("first", "again"), [((-5, "test"), (-6, "test")), ((-5, "test"), (5, "test")), ((5, "test"), (-5, "test"))]
)
async def test_another_correction_under_the_same_name_is_a_conflict(
    books: Books, first: tuple[int, str], again: tuple[int, str]
) -> None:
    await books.grant(20)
    await books.adjust(first[0], reason=first[1])
    before = await books.balance()
    with pytest.raises(Conflict):
        await books.adjust(again[0], reason=again[1])
    with pytest.raises(Conflict):
        await books.adjust(first[0], reason="another")
    assert await books.balance() == before


async def test_part_of_a_grant_is_taken_back_once_for_each_refund_of_money(books: Books) -> None:
    grant_id = await books.grant(100)
    for _ in range(2):
        assert await books.revoke(grant_id, amount=30, name="re_1") == 30
    assert await books.revoke(grant_id, amount=30, name="re_2") == 30
    assert await books.balance() == (40, 0, 0, 0, 60)
    assert await books.revoke(grant_id, amount=50, name="re_3") == 40
    assert await books.revoke(grant_id, amount=50, name="re_3") == 40
    assert await books.revoke(grant_id) == 0
    assert await books.balance() == (0, 0, 0, 0, 100)


async def test_another_revoke_under_the_same_name_is_a_conflict(books: Books) -> None:
    grant_id, other = await books.grant(100), await books.grant(100)
    await books.revoke(grant_id, amount=30, name="re_1")
    for wrong, amount in ((other, 30), (grant_id, 29)):
        with pytest.raises(Conflict):
            await books.revoke(wrong, amount=amount, name="re_1")
    with pytest.raises(InvalidRequest):
        await books.revoke(grant_id, amount=0, name="re_2")
    with pytest.raises(NotFound):
        await books.revoke(new_id("grt"), amount=5, name="re_2")
    assert await books.balance() == (170, 0, 0, 0, 30)


async def test_credits_are_taken_back_of_several_grants_in_their_order(books: Books) -> None:
    first, second, other = await books.grant(60), await books.grant(40), await books.grant(5)
    assert await books.revoke(first, amount=50, name="re_1") == 50
    for _ in range(2):
        assert await books.revoke(first, second, amount=30, name="re_2") == 30
    assert await books.revoke(first, second, amount=50, name="re_1") == 50  # of the first alone, and again
    with pytest.raises(Conflict):
        await books.revoke(second, other, amount=30, name="re_2")
    assert await books.revoke(first, second, name="dp_1") == 20
    assert await books.balance() == (5, 0, 0, 0, 100)


async def test_part_of_a_spent_grant_is_owed(books: Books, new_job: NewJob) -> None:
    job = await new_job()
    grant_id = await books.grant(20)
    await books.hold(job, 20)
    await books.settle(job, 20)
    assert await books.revoke(grant_id, amount=5, name="re_1") == 5
    assert await books.balance() == (-5, 0, 20, 0, 5)


async def test_a_dispute_takes_what_a_partial_refund_left(books: Books) -> None:
    grant_id = await books.grant(100)
    await books.revoke(grant_id, amount=30, name="re_1")
    assert await books.revoke(grant_id, name="dp_1") == await books.revoke(grant_id, name="dp_1") == 70
    assert await books.balance() == (0, 0, 0, 0, 100)


async def test_no_two_holds_take_the_same_credit_even_where_nobody_waits_for_the_lock(
    books: Books, app: Database, new_job: NewJob
) -> None:
    """The statement that writes a hold carries its own condition: it holds for callers that found the credits a moment ago."""
    grant_id = await books.grant(100)
    jobs = [await new_job() for _ in range(10)]

    async def hold(number: int) -> None:
        async with app.transaction(books.org_id) as session:
            operation = Operation(books.org_id, jobs[number].job_id, "hold", "live", on(1), jobs[number].job_id)
            await postings.record(session, operation, postings.move(grant_id, "available", "held", 30))

    answers = await asyncio.gather(*(hold(number) for number in range(10)), return_exceptions=True)
    assert Counter(type(answer) for answer in answers) == {type(None): 3, InsufficientCredits: 7}
    assert await books.balance() == (10, 90, 0, 0, 0)
