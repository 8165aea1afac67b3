"""Bringing our books to what Stripe holds of a purchase or a subscription. Doing it again, or from an older state, adds nothing.

Each movement is keyed by Stripe's own id of its cause: the grant by the invoice or the session, what is taken back by the refund
or the dispute, what is given again by the dispute that was won.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from cutroom.contracts.cards import ApplyInput, Disputed, Mode, Purchase, Refunded
from cutroom.contracts.ids import workflow_id
from cutroom.money.books import Pack
from cutroom.money.checkouts import Sold
from cutroom.store import card_events, jobs, ledger, outbox, plans


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
        subscribed = state.subscription.model_dump()
        await plans.set_subscription(session, org_id, state.mode, provider_id=subscribed.pop("id"), **subscribed)
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


async def book(session: AsyncSession, org_id: str, mode: Mode, purchase: Purchase) -> None:
    """Grant what was paid for, take back what was refunded or disputed, give again what a won dispute brought back.

    A refund takes back its share of the credits, rounded so that a whole refund takes all. What follows a won dispute is
    taken from what that gave again. Raises InvalidRequest (`plan_unknown`, `pack_unknown`) for what no book of ours sells.
    """
    offer = Sold(purchase.book, purchase.kind, purchase.item).offer()
    ends_at = offer.ends(purchase.paid_at) if isinstance(offer, Pack) else purchase.ends_at
    reason = f"{purchase.kind} {purchase.item}"
    grant_id = await ledger.grant(session, org_id, mode, offer.credits, reason, purchase.id, ends_at)
    refunded = taken = 0
    changes: list[Refunded | Disputed] = [*purchase.refunds, *purchase.disputes]
    for change in sorted(changes, key=lambda change: (change.created_at, change.id)):
        if isinstance(change, Refunded):
            refunded += change.amount
            share = offer.credits * min(refunded, purchase.amount) // purchase.amount - taken
            taken += share
            if share:
                await ledger.revoke(session, org_id, grant_id, amount=share, operation_id=change.id)
        else:
            lost = await ledger.revoke(session, org_id, grant_id, operation_id=change.id)
            if lost and change.won:
                grant_id = await ledger.grant(session, org_id, mode, lost, "dispute won", f"{change.id}/won", ends_at)
