"""A day of card payments as the workflow of reconciliation reads it, page after page, in one piece."""

from datetime import UTC, datetime, timedelta

from activities.base import Task
from activities.payment_reconciliation import fetch_payments, list_payments, read_payments
from cutroom.contracts.payment_reconciliation import DayPage, FoundPayments, NamedPayments


def today() -> DayPage:
    now = datetime.now(UTC)
    return DayPage(mode="test", since=now - timedelta(hours=1), until=now + timedelta(hours=1))


async def read_day(task: Task, day: DayPage) -> FoundPayments:
    """All intents of jobs that Stripe made that day, and those that our payments name besides."""
    found = await read_payments(task, day)
    intents = list(found.intents)
    while found.next:
        found = await read_payments(task, day.model_copy(update={"after": found.next}))
        intents += found.intents
    seen = {intent.id for intent in intents}
    named = await list_payments(task, day)
    ids = list(named.ids)
    while named.next:
        named = await list_payments(task, day.model_copy(update={"after": named.next}))
        ids += named.ids
    unseen = [id for id in ids if id not in seen]
    besides = await fetch_payments(task, NamedPayments(mode=day.mode, since=day.since, until=day.until, ids=unseen))
    return found.model_copy(update={"intents": intents + besides.intents, "missing": besides.missing})
