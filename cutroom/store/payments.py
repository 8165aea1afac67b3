"""What jobs pay by card, one payment a job, as far as we know it; Stripe knows better, and is asked where it matters."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cutroom.contracts.base import JobRef
from cutroom.contracts.cards import Intent, Mode
from cutroom.errors import Conflict, NotFound
from cutroom.store.pages import Page, read_page
from cutroom.store.tables import Job, Payment

# What a status of Stripe's is to us: https://docs.stripe.com/payments/paymentintents/lifecycle
_STATUS = {"requires_capture": "authorised", "succeeded": "captured", "canceled": "canceled"}
ENDED = ("captured", "canceled")


def status_of(intent: Intent) -> str:
    """What Stripe's status of an intent is to us."""
    return _STATUS.get(intent.status, "pending")


def payment_id(job: JobRef) -> str:
    """`sum_0192...` is paid by `pay_0192...`, so that a job has one payment at most."""
    return f"pay_{job.job_id.partition('_')[2]}"


async def begin(session: AsyncSession, job: JobRef, mode: Mode, amount: int, currency: str) -> Payment:
    """The job's payment, added before Stripe hears of it; the same call again answers the same row.

    Raises Conflict (`operation_differs`) where it was begun with another amount, currency or mode.
    """
    wanted = {"mode": mode, "amount": amount, "currency": currency}
    row = insert(Payment).values(id=payment_id(job), org_id=job.org_id, job_id=job.job_id, status="created", **wanted)
    await session.execute(row.on_conflict_do_nothing(index_elements=["id"]))
    payment = await of_job(session, job)
    if {name: getattr(payment, name) for name in wanted} != wanted:
        raise Conflict("This job pays another amount; nothing was changed.", code="operation_differs")
    return payment


async def of_job(session: AsyncSession, job: JobRef) -> Payment:
    """Raises NotFound (`payment_unknown`)."""
    found = await session.scalars(_of(job).execution_options(populate_existing=True))
    payment = found.one_or_none()
    if payment is None:
        raise NotFound("This job pays nothing by card.", code="payment_unknown")
    return payment


async def note(session: AsyncSession, job: JobRef, intent: Intent) -> Payment:
    """Note how Stripe has the payment. One that was captured or canceled stays so, whatever older answer comes late.

    Raises NotFound (`payment_unknown`), and Conflict (`operation_differs`) where the job pays by another intent.
    """
    payment = (await session.scalars(_of(job).with_for_update())).one_or_none()
    if payment is None:
        raise NotFound("This job pays nothing by card.", code="payment_unknown")
    if payment.intent_id not in ("", intent.id):
        raise Conflict("This job is paid by another intent; nothing was changed.", code="operation_differs")
    if payment.status not in ENDED:
        status = status_of(intent)
        told = {
            "intent_id": intent.id,
            "status": status,
            "captured": intent.amount_received,
            "capture_before": intent.capture_before,
            "reason": intent.cancel_reason if status == "canceled" else intent.decline_code,
        }
        await session.execute(update(Payment).where(col(Payment.id) == payment.id).values(**told, at=func.now()))
    return await of_job(session, job)


async def mark_unknown(session: AsyncSession, job: JobRef, reason: str) -> bool:
    """Note that an answer never came, before it is asked for; `reason` names the call, such as `capture`.

    Answers whether the payment is open: one that has ended is left alone.
    """
    open_ = (col(Payment.id) == payment_id(job), col(Payment.status).not_in(ENDED))
    marked = update(Payment).where(*open_).values(status="unknown", reason=reason, at=func.now())
    return await session.scalar(marked.returning(col(Payment.id))) is not None


async def abandon(session: AsyncSession, job: JobRef) -> bool:
    """Close a payment that Stripe never heard of; answers whether it is one, or there is none."""
    mine = col(Payment.id) == payment_id(job)
    unheard = update(Payment).where(mine, col(Payment.status) == "created").values(status="canceled", at=func.now())
    await session.execute(unheard)
    heard = select(col(Payment.id)).where(mine, (col(Payment.intent_id) != "") | (col(Payment.status) != "canceled"))
    return await session.scalar(heard) is None


async def begun(
    session: AsyncSession, mode: Mode, since: datetime, until: datetime, cursor: str | None, limit: int
) -> Page[Payment]:
    """Payments begun from `since` to before `until` that name an intent, of all organisations that the session sees."""
    mine = (col(Payment.mode) == mode, col(Payment.intent_id) != "")
    query = select(Payment).where(*mine, col(Payment.created_at) >= since, col(Payment.created_at) < until)
    return await read_page(session, query, Payment.created_at, Payment.id, cursor, limit)


async def by_intents(session: AsyncSession, intent_ids: Sequence[str]) -> dict[str, Payment]:
    """Intent -> its payment, of all organisations that the session sees."""
    found = await session.scalars(select(Payment).where(col(Payment.intent_id).in_(intent_ids)))
    return {payment.intent_id: payment for payment in found}


async def of_jobs(session: AsyncSession, job_ids: Sequence[str]) -> dict[str, tuple[Job, Payment | None]]:
    """Job id -> the job and its payment, of all organisations that the session sees."""
    query = select(Job, Payment).outerjoin(Payment, col(Payment.job_id) == col(Job.id)).where(col(Job.id).in_(job_ids))
    rows = (await session.execute(query)).all()
    return {job.id: (job, payment) for job, payment in rows}


def _of(job: JobRef) -> Select[Payment]:
    return select(Payment).where(col(Payment.org_id) == job.org_id, col(Payment.id) == payment_id(job))
