"""Bringing our books to what Stripe holds of a purchase or a subscription. Doing it again, or from an older state, adds nothing.

Each movement is keyed by Stripe's own id of its cause: the grant by the invoice or the session, what is taken back by the refund
or the dispute, what is given again by the refund that failed or the dispute that was won.
"""

from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from cutroom.contracts.cards import ApplyInput, Disputed, Mode, Purchase, Refunded, SubscriptionState
from cutroom.contracts.ids import workflow_id
from cutroom.money.books import Pack, Plan
from cutroom.money.checkouts import Sold
from cutroom.store import card_events, corrections, jobs, ledger, outbox, plans, reconciliation


@dataclass(frozen=True)
class Booked:
    """Credits that were booked now and not before: granted, taken back, given again. What came to nothing at once is not in it."""

    granted: int
    taken: int
    restored: int


async def apply(session: AsyncSession, event: ApplyInput) -> None:
    """Apply what was found of an event's object, and note what came of it. For the system role.

    outcome: `applied` | `signalled` (its job's workflow looks for itself) | `ignored` (nothing of ours, or a job that has ended) |
    `foreign` (somebody else's customer or job, or of the other mode: nothing is done).
    """
    state = event.state
    org_id = await card_events.owner_of(session, state.customer, state.mode) if state.customer else None
    outcome = "ignored"
    if state.mode != event.mode or (state.customer and org_id is None):
        outcome = "foreign"
    elif org_id is not None:
        outcome = await _apply(session, org_id, event)
    await card_events.mark(session, event.event_id, org_id, outcome)


async def _apply(session: AsyncSession, org_id: str, event: ApplyInput) -> str:
    state = event.state
    outcome = "ignored"
    if state.subscription is not None:
        await subscribe(session, org_id, state.mode, state.subscription)
        outcome = "applied"
    if state.purchase is not None:
        await book(session, org_id, state.mode, state.purchase)
        outcome = "applied"
    if state.job_id:
        job = await card_events.job_of(session, state.job_id, org_id, state.mode)
        if job is None:
            return "foreign"
        # Once Temporal has forgotten the workflow of an ended job, a signal to it would be tried for ever.
        if job.status in jobs.LIVE:
            await outbox.add(session, org_id, "signal", workflow_id(job.kind, job.id), {"signal": "payment_changed"})
            outcome = "signalled"
    return outcome


async def subscribe(session: AsyncSession, org_id: str, mode: Mode, state: SubscriptionState) -> None:
    """Note how a subscription stands. Where it is not the only one, that is a finding: somebody pays twice."""
    subscribed = state.model_dump()
    await plans.set_subscription(session, org_id, mode, provider_id=subscribed.pop("id"), **subscribed)
    if len(running := await plans.running(session, org_id, mode)) > 1:
        detail = f"{len(running)} plans are paid for at a time; end all but one at Stripe, and refund what was paid too much."
        await reconciliation.add_finding(session, org_id, "subscribed_twice", max(running), detail, "None.")


async def book(session: AsyncSession, org_id: str, mode: Mode, purchase: Purchase) -> Booked:
    """Grant what was paid for, take back what was refunded or disputed, give again what a failed refund or a won dispute brought
    back. Answers what of it was not booked before.

    A refund takes back its share of the credits, rounded so that a whole refund takes all. What is booked stays as it is and
    comes first; what is new is taken from all that the purchase gave, the first grant first. Raises InvalidRequest
    (`plan_unknown`, `pack_unknown`) for what no book of ours sells, Conflict (`operation_differs`) where it was granted otherwise.
    """
    credits, ends_at = offer_of(purchase).credits, end_of(purchase)
    causes: list[Refunded | Disputed] = [*purchase.refunds, *purchase.disputes]
    named = [purchase.id, *(cause.id for cause in causes), *(restoring(cause) for cause in causes)]
    done = await corrections.booked(session, org_id, named)
    grants = [await ledger.grant(session, org_id, mode, credits, reason_of(purchase), purchase.id, ends_at)]
    refunded = taken = taken_now = restored_now = 0
    for cause in sorted(causes, key=lambda cause: (cause.id not in done, cause.created_at, cause.id)):
        due = None  # a dispute takes all that is left
        if isinstance(cause, Refunded):
            due = max(0, _share(credits, purchase, refunded + cause.amount) - taken)
        lost = done.get(cause.id, 0)
        if cause.id not in done and due != 0:
            lost = await corrections.revoke(session, org_id, grants, amount=due, operation_id=cause.id)
        if lost and _is_undone(cause):
            reason = "refund failed" if isinstance(cause, Refunded) else "dispute won"
            grants.append(await ledger.grant(session, org_id, mode, lost, reason, restoring(cause), ends_at))
            restored_now += lost if cause.id in done and restoring(cause) not in done else 0
            continue
        taken_now += lost if cause.id not in done else 0
        if isinstance(cause, Refunded) and not cause.failed:
            refunded, taken = refunded + cause.amount, taken + lost
    return Booked(granted=0 if purchase.id in done else credits, taken=taken_now, restored=restored_now)


def _share(credits: int, purchase: Purchase, refunded: int) -> int:
    """How many of the credits go with so much of the money."""
    return credits * min(refunded, purchase.amount) // purchase.amount


def offer_of(purchase: Purchase) -> Plan | Pack:
    """What was bought. Raises InvalidRequest (`plan_unknown`, `pack_unknown`)."""
    return Sold(purchase.book, purchase.kind, purchase.item).offer()


def end_of(purchase: Purchase) -> datetime | None:
    """When the credits of a purchase end. Raises as `offer_of`."""
    offer = offer_of(purchase)
    return offer.ends(purchase.paid_at) if isinstance(offer, Pack) else purchase.ends_at


def reason_of(purchase: Purchase) -> str:
    """What the ledger says that its credits were granted for."""
    return f"{purchase.kind} {purchase.item}"


def _is_undone(cause: Refunded | Disputed) -> bool:
    return cause.failed if isinstance(cause, Refunded) else cause.won


def is_booked(cause: Refunded | Disputed, booked: Container[str]) -> bool:
    """Whether these operations say all that there is to say of a refund or a dispute, as far as it tells by itself."""
    if isinstance(cause, Refunded) and cause.failed and cause.id not in booked:
        return True  # it gave nothing, and nothing was taken for it
    return cause.id in booked and (not _is_undone(cause) or restoring(cause) in booked)


def restoring(cause: Refunded | Disputed) -> str:
    """The operation that gives again what a cause took."""
    return f"{cause.id}/failed" if isinstance(cause, Refunded) else f"{cause.id}/won"
