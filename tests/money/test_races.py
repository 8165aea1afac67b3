"""Many at once on one organisation's credits: exactly what there is, and one winner."""

import asyncio
import random
from collections import Counter

from cutroom.contracts.jobs import Settled
from cutroom.errors import Conflict, InsufficientCredits
from tests.money.conftest import Books, NewJob

WORKERS = 20
HOLDS = 500
EACH = 7


async def test_twenty_workers_race_500_holds_and_exactly_what_there_is_gets_held(books: Books, new_job: NewJob) -> None:
    jobs = [await new_job() for _ in range(HOLDS)]
    await books.grant(900, ends=10)
    await books.grant(850)
    covered = (900 + 850) // EACH
    waiting = random.Random(1).sample(jobs, HOLDS)
    answers: Counter[str] = Counter()

    async def work() -> None:
        while waiting:
            try:
                await books.hold(waiting.pop(), EACH)
                answers["held"] += 1
            except InsufficientCredits:
                answers["refused"] += 1

    await asyncio.gather(*(work() for _ in range(WORKERS)))
    assert answers == {"held": covered, "refused": HOLDS - covered}
    assert await books.balance() == (1750 - covered * EACH, covered * EACH, 0, 0, 0)


async def test_fifty_commits_and_releases_of_one_hold_have_one_winner(books: Books, new_job: NewJob) -> None:
    job = await new_job()
    await books.grant(100)
    await books.hold(job, 60)
    asked = [60, 0] * 25
    random.Random(2).shuffle(asked)
    answers = await asyncio.gather(*(books.settle(job, spent) for spent in asked), return_exceptions=True)
    (won,) = {answer for answer in answers if not isinstance(answer, Conflict)}
    assert won in (Settled(spent=60, released=0), Settled(spent=0, released=60))
    assert answers.count(won) == 25
    assert await books.balance() == (100 - won.spent, 0, won.spent, 0, 0)


async def test_fifty_refunds_of_one_job_give_back_what_it_spent(books: Books, new_job: NewJob) -> None:
    job = await new_job()
    await books.grant(100)
    await books.hold(job, 60)
    await books.settle(job, 60)
    await asyncio.gather(*(books.refund(job, 7, name=f"refund {number}") for number in range(50)), return_exceptions=True)
    assert await books.balance() == (100 - 60 + 56, 0, 4, 0, 0)
