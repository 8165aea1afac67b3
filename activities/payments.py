"""Steps of a card payment: opened, looked at, captured, released. Each asks Stripe how it stands before it does anything.

An answer that never came is noted as unknown before the question is put again, so that nobody takes it for a failure.
"""

from typing import NamedTuple

from activities.base import Task, implements
from cutroom.contracts.base import JobRef, Nothing
from cutroom.contracts.cards import Intent
from cutroom.contracts.summary import CAPTURE_PAYMENT, LOOK_AT_PAYMENT, OPEN_PAYMENT, RELEASE_PAYMENT, Authorisation, CaptureInput
from cutroom.errors import Conflict
from cutroom.money.billing import chargeable
from cutroom.money.cards import Cards
from cutroom.money.prices import Quote
from cutroom.store import card_events, jobs, payments
from cutroom.store.tables import Payment


class Known(NamedTuple):
    """The job's payment and price, whose it is (empty before Stripe knows the organisation), and who is asked."""

    payment: Payment
    price: Quote
    customer: str
    cards: Cards


@implements(OPEN_PAYMENT)
async def open_payment(task: Task, job: JobRef) -> Authorisation:
    """Ask for the quoted amount; the job's second call finds the first one's intent. Raises as `look_at_payment`."""
    known = await _known(task, job)
    if not known.customer:
        made = await known.cards.create_customer(job.org_id)
        async with task.resources.database.transaction(job.org_id) as session:
            known = known._replace(customer=await card_events.keep_customer(session, job.org_id, known.cards.mode, made))
    return await _standing(task, job, await _intent(task, job, known), known.customer)


@implements(LOOK_AT_PAYMENT)
async def look_at_payment(task: Task, job: JobRef) -> Authorisation:
    """How the payment stands now. Raises Conflict (`payment_differs`, `payment_canceled`)."""
    known = await _known(task, job)
    return await _standing(task, job, await _intent(task, job, known), known.customer)


@implements(CAPTURE_PAYMENT)
async def capture_payment(task: Task, asked: CaptureInput) -> Nothing:
    """Take what the job came to; the rest goes back to the card. One that was captured already is left alone.

    Raises Conflict (`payment_canceled`).
    """
    job = asked.job
    known = await _known(task, job)
    intent = await _intent(task, job, known)
    if intent.status == "requires_capture":
        await _unknown(task, job, "capture")
        intent = await known.cards.capture(job, intent.id, chargeable(known.price, asked.reel))
    await _note(task, job, intent)
    if intent.status != "succeeded":
        raise _canceled()
    return Nothing()


@implements(RELEASE_PAYMENT)
async def release_payment(task: Task, job: JobRef) -> Nothing:
    """Nothing is handed over, so nothing is charged: the authorisation goes back, and what was captured is refunded."""
    async with task.resources.database.transaction(job.org_id) as session:
        if await payments.abandon(session, job):
            return Nothing()
    known = await _known(task, job)
    intent = await _intent(task, job, known)
    await _note(task, job, await give_back(known.cards, job, intent))
    return Nothing()


async def give_back(cards: Cards, job: JobRef, intent: Intent) -> Intent:
    """Cancel what was not captured, refund what was and is not refunded yet; answers the intent as it is then."""
    if intent.status not in ("succeeded", "canceled"):
        try:
            return await cards.cancel(job, intent.id, "abandoned")
        except Conflict:  # it was captured, or ended, since it was looked at
            intent = await cards.get_intent(intent.id)
    left = intent.amount_received - intent.refunded
    if intent.status == "succeeded" and left:
        try:
            await cards.refund(job, intent.id, left)
        except Conflict as error:
            if error.code != "payment_not_capturable":  # which is: all of it was given back before
                raise
    return intent


async def _known(task: Task, job: JobRef) -> Known:
    async with task.resources.database.transaction(job.org_id) as session:
        payment = await payments.of_job(session, job)
        cards = task.resources.cards("live" if payment.mode == "live" else "test")
        price = Quote.model_validate((await jobs.get(session, job.job_id)).price)
        return Known(payment, price, await card_events.customer_of(session, job.org_id, cards.mode) or "", cards)


async def _intent(task: Task, job: JobRef, known: Known) -> Intent:
    """The job's intent: the one that is known, or the one that its key of idempotency leads to."""
    if known.payment.intent_id:
        return await known.cards.get_intent(known.payment.intent_id)
    await _unknown(task, job, "open")
    return await known.cards.create_intent(job, known.payment.amount, known.payment.currency, known.customer, {})


async def _standing(task: Task, job: JobRef, intent: Intent, customer: str) -> Authorisation:
    """Note how the payment stands; only this job's own intent over the whole amount counts as held."""
    payment = await _note(task, job, intent)
    mine = {"job": job.job_id, "organisation": job.org_id, "mode": payment.mode}
    asked = (payment.amount, payment.currency, customer)
    if (intent.amount, intent.currency, intent.customer) != asked or not mine.items() <= intent.metadata.items():
        raise Conflict("The payment is not the one that this job asked for; it was given back.", code="payment_differs")
    if intent.status == "canceled":
        raise _canceled()
    held = intent.status == "succeeded" or (intent.status == "requires_capture" and intent.amount_capturable >= payment.amount)
    reason = "" if held else "requires_action" if intent.status == "requires_action" else intent.decline_code
    return Authorisation(held=held, reason=reason, capture_before=intent.capture_before)


async def _note(task: Task, job: JobRef, intent: Intent) -> Payment:
    async with task.resources.database.transaction(job.org_id) as session:
        return await payments.note(session, job, intent)


async def _unknown(task: Task, job: JobRef, question: str) -> None:
    """Raises Conflict (`payment_canceled`) where the payment has ended, so that nothing is asked for it any more."""
    async with task.resources.database.transaction(job.org_id) as session:
        if not await payments.mark_unknown(session, job, question):
            raise _canceled()


def _canceled() -> Conflict:
    return Conflict("The card's authorisation was given back or has lapsed; nothing was charged.", code="payment_canceled")
