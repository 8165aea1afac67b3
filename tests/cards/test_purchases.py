"""Events about purchases, in any order and any number of times, on a real database: the books come to one end state.

What Stripe holds at each moment is a `CardState`, as the look-up gives it.
"""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import accumulate, permutations
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlmodel import col

from cutroom.contracts.cards import ApplyInput, CardEventInput, CardState, Disputed, Purchase, Refunded, SubscriptionState
from cutroom.contracts.ids import new_id
from cutroom.money import purchases
from cutroom.money.books import BOOKS, CURRENT
from cutroom.store import card_events, entries, identity, ledger, plans
from cutroom.store.database import Database
from cutroom.store.tables import CardEvent, Finding, Job, Outbox

NOW = datetime.now(UTC).replace(microsecond=0)
PACK = BOOKS[CURRENT].packs["small"]
PLAN = BOOKS[CURRENT].plans["starter"]


def later(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def pack(refunds: list[Refunded] | None = None, disputes: list[Disputed] | None = None) -> Purchase:
    return Purchase(
        id="cs_1",
        book=CURRENT,
        kind="pack",
        item="small",
        amount=PACK.price,
        paid_at=NOW,
        refunds=refunds or [],
        disputes=disputes or [],
    )


def refund(number: int, amount: int, minutes: float, *, failed: bool = False) -> Refunded:
    return Refunded(id=f"re_{number}", intent_id="pi_1", amount=amount, created_at=later(minutes), failed=failed)


def dispute(won: bool, minutes: float) -> Disputed:
    return Disputed(id="dp_1", won=won, created_at=later(minutes))


class Shop:
    """An organisation with a customer, and events about it."""

    def __init__(self, system: Database, org_id: str, customer: str) -> None:
        self.system, self.org_id, self.customer = system, org_id, customer
        self._sent = 0

    async def apply(self, times: int = 1, **state: Any) -> str:
        """One event, handled `times` times, of an object whose state is this; answers its outcome."""
        self._sent += 1
        event_id = new_id("evt")
        found = CardState(mode=state.pop("mode", "live"), customer=state.pop("customer", self.customer), **state)
        event = CardEventInput(event_id=event_id, kind="x.y", object_id="x", mode="live")
        for _ in range(times):
            async with self.system.transaction(None) as session:
                await card_events.add(session, event, None)
                await purchases.apply(session, ApplyInput(**event.model_dump(), state=found))
        async with self.system.transaction(None) as session:
            row = await session.get_one(CardEvent, event_id)
        assert row.handled_at is not None
        return row.outcome

    async def findings(self) -> list[tuple[str, str]]:
        """Kind and subject of each."""
        async with self.system.transaction(None) as session:
            found = await session.scalars(select(Finding).where(col(Finding.org_id) == self.org_id))
            return [(finding.kind, finding.subject) for finding in found]

    async def books(self) -> dict[str, Any]:
        """The balance, the operations, and the plan."""
        async with self.system.transaction(None) as session:
            balance = await ledger.balance(session, self.org_id, "live")
            page = await entries.entries(session, self.org_id, "live", None, 100)
            plan = await plans.plan_of(session, self.org_id, "live")
        operations = sorted((entry.operation_id, entry.phase, tuple(sorted(entry.amounts.items()))) for entry in page.items)
        return {**asdict(balance), "operations": operations, "plan": plan}


async def new_shop(system: Database) -> Shop:
    customer = f"cus_{new_id('evt')}"
    async with system.transaction(None) as session:
        org_id = await identity.create_organisation(session, "somebody")
        await card_events.keep_customer(session, org_id, "live", customer)
    return Shop(system, org_id, customer)


@pytest.fixture
async def shop(system: Database) -> Shop:
    return await new_shop(system)


def subscribed(status: str, minutes: float) -> SubscriptionState:
    return SubscriptionState(id="sub_1", plan="starter", status=status, period_end=later(30 * 24 * 60), as_of=later(minutes))


def billed(refunds: list[Refunded]) -> Purchase:
    """An invoice of the plan."""
    return Purchase(
        id="in_1",
        book=CURRENT,
        kind="plan",
        item="starter",
        amount=PLAN.price,
        paid_at=NOW,
        ends_at=later(30 * 24 * 60),
        refunds=refunds,
    )


HALF = refund(1, PLAN.price // 2, 10)
# What Stripe holds once each of these happened, in the order in which they do.
HISTORY: list[dict[str, Any]] = [
    {"subscription": subscribed("active", 1)},  # customer.subscription.created
    {"subscription": subscribed("active", 2), "purchase": billed([])},  # invoice.paid
    {"subscription": subscribed("active", 3), "purchase": billed([])},  # checkout.session.completed
    {"subscription": subscribed("active", 4), "purchase": billed([HALF])},  # charge.refunded
    {"subscription": subscribed("canceled", 5), "purchase": billed([HALF])},  # customer.subscription.deleted
]


async def test_five_events_in_any_order_each_twice_come_to_one_end_state(system: Database) -> None:
    """Each is handled with what Stripe holds by then: the newest state of all that has happened so far, which is at least what
    the newest event tells of. By these states the 120 orders are 42 different ones."""
    orders = {tuple(accumulate(order, max)) for order in permutations(range(5))}
    assert len(orders) == 42
    ends = []
    for order in sorted(orders):
        shop = await new_shop(system)
        for newest in order:
            await shop.apply(times=2, **HISTORY[newest])
        ends.append(await shop.books())
    assert all(end == ends[0] for end in ends)
    assert (ends[0]["granted"], ends[0]["available"], ends[0]["plan"]) == (PLAN.credits, PLAN.credits // 2, None)


PACK_HISTORY = [
    pack(),
    pack([refund(1, 300, 1)]),
    pack([refund(1, 300, 1)], [dispute(False, 2)]),
    pack([refund(1, 300, 1)], [dispute(True, 2)]),
    pack([refund(1, 300, 1), refund(2, 600, 3)], [dispute(True, 2)]),
]


async def test_states_of_a_purchase_seen_late_or_never_come_to_one_end_state(system: Database) -> None:
    """Workers race: an older state may be applied after a newer one, and some are never seen."""
    last = len(PACK_HISTORY) - 1
    for seen in permutations(range(last + 1), 2):
        shop = await new_shop(system)
        for number in [*seen, last]:
            await shop.apply(purchase=PACK_HISTORY[number])
        books = await shop.books()
        assert (books["available"], books["revoked"]) == (0, books["granted"]), seen


INQUIRY_HISTORY = [
    pack(),
    pack([refund(1, 300, 2)]),  # while the bank asks, at minute 1, and nothing is disputed yet
    pack([refund(1, 300, 2)], [dispute(False, 1)]),
    pack([refund(1, 300, 2)], [dispute(True, 1)]),
    pack([refund(1, 300, 2), refund(2, 300, 3)], [dispute(True, 1)]),
]
LATE_REFUND_HISTORY = [
    pack(),
    pack([], [dispute(False, 2)]),
    pack([], [dispute(True, 2)]),
    pack([refund(1, 600, 1)], [dispute(True, 2)]),  # asked for at minute 1, and pending since
]
FAILED_REFUND_HISTORY = [
    pack(),
    pack([refund(1, 300, 1)]),
    pack([refund(1, 300, 1), refund(2, 300, 2)]),
    pack([refund(1, 300, 1, failed=True), refund(2, 300, 2)]),
]


@pytest.mark.parametrize(
    ("history", "left"),
    [(INQUIRY_HISTORY, 34), (LATE_REFUND_HISTORY, 34), (FAILED_REFUND_HISTORY, 67)],
    ids=["inquiry", "late", "failed"],
)
async def test_what_was_booked_before_its_turn_is_booked_once_and_the_end_is_the_same(
    system: Database, history: list[Purchase], left: int
) -> None:
    """No other state is seen, or any two of them in any order, or all; the last one in the end."""
    last = len(history) - 1
    for seen in [(), tuple(range(last)), *permutations(range(last + 1), 2)]:
        shop = await new_shop(system)
        for number in [*seen, last]:
            await shop.apply(purchase=history[number])
        await shop.apply(purchase=history[last])
        assert (await shop.books())["available"] == left, seen


@pytest.mark.parametrize("order", list(permutations([(1, 100), (2, 100), (3, 700)])))
async def test_refunds_that_go_through_in_any_order_take_all_in_the_end(shop: Shop, order: tuple[tuple[int, int], ...]) -> None:
    for count in range(1, 4):
        await shop.apply(purchase=pack([refund(number, amount, number) for number, amount in order[:count]]))
    assert (await shop.books())["available"] == 0


async def test_a_dispute_takes_what_a_failed_refund_gave_again_too(shop: Shop) -> None:
    failed = [refund(1, 300, 1, failed=True)]
    await shop.apply(purchase=pack([refund(1, 300, 1)]))
    await shop.apply(purchase=pack(failed))
    assert (await shop.books())["available"] == 100
    await shop.apply(times=2, purchase=pack(failed, [dispute(False, 2)]))
    assert (await shop.books())["available"] == 0
    await shop.apply(times=2, purchase=pack(failed, [dispute(True, 2)]))
    assert (await shop.books())["available"] == 100


async def test_a_pack_lasts_its_months_from_the_payment(shop: Shop) -> None:
    await shop.apply(purchase=pack())
    async with shop.system.transaction(None) as session:
        ends = await session.scalar(text("select expires_at from grants where org_id = :org"), {"org": shop.org_id})
    assert ends == PACK.ends(NOW)


@pytest.mark.parametrize(("amounts", "left"), [([300], 67), ([1], 100), ([300, 300], 34), ([300, 300, 300], 0), ([900], 0)])
async def test_a_refund_takes_back_its_share_of_the_credits_and_a_whole_one_all(shop: Shop, amounts: list[int], left: int) -> None:
    refunds = [refund(number, amount, number) for number, amount in enumerate(amounts, 1)]
    await shop.apply(times=2, purchase=pack(refunds))
    assert (await shop.books())["available"] == left


async def test_a_dispute_takes_all_back_and_gives_it_again_once_it_is_won(shop: Shop) -> None:
    await shop.apply(times=2, purchase=pack(disputes=[dispute(False, 1)]))
    assert (await shop.books())["available"] == 0
    await shop.apply(times=2, purchase=pack(disputes=[dispute(True, 1)]))
    assert (await shop.books())["available"] == PACK.credits
    await shop.apply(purchase=pack(disputes=[dispute(False, 1)]))  # an answer that came late
    assert (await shop.books())["available"] == PACK.credits


async def test_what_follows_a_won_dispute_is_taken_from_what_that_gave_again(shop: Shop) -> None:
    await shop.apply(purchase=pack([refund(1, 900, 2)], [dispute(True, 1)]))
    assert (await shop.books())["available"] == 0


async def test_an_older_state_of_a_subscription_changes_nothing(shop: Shop) -> None:
    await shop.apply(subscription=subscribed("active", 2))
    await shop.apply(subscription=subscribed("incomplete", 1))
    assert (await shop.books())["plan"] == "starter"


async def test_a_second_subscription_beside_one_that_runs_is_named(shop: Shop) -> None:
    other = subscribed("active", 1).model_copy(update={"id": "sub_2", "plan": "studio"})
    for _ in range(2):
        await shop.apply(subscription=subscribed("active", 1))
        await shop.apply(subscription=other)
    assert await shop.findings() == [("subscribed_twice", "sub_2")]


async def test_a_plan_that_follows_one_that_ended_is_no_second_one(shop: Shop) -> None:
    await shop.apply(subscription=subscribed("canceled", 1))
    await shop.apply(subscription=subscribed("active", 2).model_copy(update={"id": "sub_2"}))
    assert await shop.findings() == []


async def test_somebody_elses_customer_and_the_other_mode_do_nothing(shop: Shop) -> None:
    assert await shop.apply(customer="cus_unknown", purchase=pack()) == "foreign"
    assert await shop.apply(mode="test", purchase=pack()) == "foreign"
    assert await shop.apply(customer="") == "ignored"
    assert (await shop.books())["granted"] == 0


async def test_an_intent_tells_the_workflow_of_its_own_job_and_of_no_other(shop: Shop, system: Database) -> None:
    other = await new_shop(system)
    jobs = {}
    async with system.transaction(None) as session:
        for owner, mode in ((shop, "live"), (shop, "test"), (other, "live")):
            job = Job(id=new_id("sum"), org_id=owner.org_id, kind="summary", mode=mode, status="pending")
            session.add(job)
            jobs[owner.org_id, mode] = job.id
    mine = jobs[shop.org_id, "live"]
    assert await shop.apply(job_id=mine) == "signalled"
    assert await shop.apply(job_id=jobs[shop.org_id, "test"]) == "foreign"
    assert await shop.apply(job_id=jobs[other.org_id, "live"]) == "foreign"
    assert await shop.apply(job_id="sum_unknown") == "foreign"
    async with system.transaction(None) as session:
        rows = (
            await session.scalars(select(Outbox).where(col(Outbox.target).in_([f"summary/{id}" for id in jobs.values()])))
        ).all()
    assert [(row.target, row.kind, row.payload) for row in rows] == [(f"summary/{mine}", "signal", {"signal": "payment_changed"})]


async def test_a_job_that_has_ended_is_told_nothing_more(shop: Shop, system: Database) -> None:
    """A dispute may come months later, when Temporal has forgotten the workflow."""
    job = Job(id=new_id("sum"), org_id=shop.org_id, kind="summary", mode="live", status="succeeded")
    async with system.transaction(None) as session:
        session.add(job)
    assert await shop.apply(job_id=job.id) == "ignored"
    async with system.transaction(None) as session:
        assert await session.scalar(select(Outbox).where(col(Outbox.target) == f"summary/{job.id}")) is None
