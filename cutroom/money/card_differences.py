"""In what Stripe and we differ about one intent, and what is certain enough to be mended. Pure.

A job pays with one intent, which is held for the whole of its price, and is either handed over and captured for what it came to,
or neither.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cutroom.contracts.cards import Intent
from cutroom.contracts.summary import REEL_FILE
from cutroom.money.billing import chargeable
from cutroom.money.prices import Quote
from cutroom.store.payments import status_of
from cutroom.store.tables import Job, Payment

Mending = Literal["none", "note", "add", "release", "cancel", "book"]


@dataclass(frozen=True)
class Difference:
    """`mending`: `note` what Stripe says, `add` the payment that is missing, `release` the job's payment, `cancel` the intent,
    `book` the purchase.
    """

    kind: str
    detail: str
    mending: Mending = "none"


def difference(intent: Intent, job: Job | None, payment: Payment | None, settled_before: datetime) -> Difference | None:
    """What is wrong with an intent whose metadata names this job. What changed after `settled_before` may still be on its way."""
    if max([intent.created_at, *_changes(job, payment)]) > settled_before:
        return None
    if job is not None and payment is not None and payment.intent_id == intent.id:
        return _of_ended(intent, job, payment) if job.ended_at else _of_open(intent, job, payment)
    if job is not None and payment is not None and not payment.intent_id and not job.ended_at:
        return _of_open(intent, job, payment)  # its workflow has yet to hear of it
    if intent.status == "canceled":
        return None
    kept = intent.amount_received - intent.refunded
    if job is not None and payment is None:
        return _unbooked(intent, job)
    if kept:
        kind = "captured_twice" if job is not None else "captured_elsewhere"
        return Difference(kind, f"{kept} {intent.currency} were captured by an intent that no payment of ours names.")
    if intent.status == "succeeded":
        return None
    if intent.status == "requires_capture":
        return Difference("held_not_released", "A card is held by an intent that no payment of ours names.", "cancel")
    return Difference("payment_missing", "An intent of ours is open that no payment names.", "cancel")


def _changes(job: Job | None, payment: Payment | None) -> list[datetime]:
    ended = [job.ended_at] if job is not None and job.ended_at is not None else []
    return ended + ([payment.at] if payment is not None else [])


def _unbooked(intent: Intent, job: Job) -> Difference:
    """A payment of a job of ours that we have no record of."""
    asked = (job.mode, job.price.get("total"), job.price.get("unit"))
    if (intent.mode, intent.amount, intent.currency) == asked:
        return Difference("payment_missing", "The job's payment was not on record.", "add")
    return Difference(
        "payment_missing", "The job's payment is not on record, and the intent is over another amount than its price."
    )


def _of_open(intent: Intent, job: Job, payment: Payment) -> Difference | None:
    """The workflow asks before it acts, so that a status which differs is only to be noted."""
    if intent.status == "succeeded" and intent.amount_received not in _amounts(job):
        return _other_amount(intent, job)
    return _status(intent, payment)


def _of_ended(intent: Intent, job: Job, payment: Payment) -> Difference | None:
    handed_over = job.status == "succeeded"
    if intent.status == "canceled":
        return _unpaid("was canceled") if handed_over else _status(intent, payment)
    if intent.status != "succeeded":
        if handed_over:
            return _unpaid("is not captured")
        return Difference("held_not_released", "The job ended, and its intent is still open.", "release")
    if intent.amount_received not in _amounts(job):
        return _other_amount(intent, job)
    if handed_over and intent.refunded:
        return Difference("refunded_elsewhere", f"{intent.refunded} {intent.currency} of a job that was handed over were refunded.")
    if not handed_over and intent.refunded < intent.amount_received:
        return _undelivered(intent, job)
    return _status(intent, payment) if handed_over else None


def _undelivered(intent: Intent, job: Job) -> Difference:
    left = f"{intent.amount_received - intent.refunded} {intent.currency}"
    if job.files.get("summary"):
        return Difference("captured_not_delivered", f"{left} were kept of a job that failed, and whose files can be read.")
    return Difference("captured_not_delivered", f"{left} were kept of a job that gave nothing.", "release")


def _unpaid(what: str) -> Difference:
    return Difference("delivered_not_captured", f"The job was handed over, and its payment {what}.")


def _amounts(job: Job) -> list[int]:
    """What the job may rightly be charged: with its reel, or without; of one that was handed over it is known which."""
    price = Quote.model_validate(job.price)
    if job.status == "succeeded":
        return [chargeable(price, REEL_FILE in job.files)]
    return [chargeable(price, reel) for reel in (True, False)]


def _other_amount(intent: Intent, job: Job) -> Difference:
    pays = " or ".join(str(amount) for amount in dict.fromkeys(_amounts(job)))
    detail = f"{intent.amount_received} {intent.currency} were captured, where the job pays {pays}."
    return Difference("captured_elsewhere", detail)


def _status(intent: Intent, payment: Payment) -> Difference | None:
    if payment.status == status_of(intent) or (payment.status == "canceled" and intent.status != "succeeded"):
        return None
    return Difference("payment_status_differs", f"On record as {payment.status}, at Stripe as {intent.status}.", "note")
