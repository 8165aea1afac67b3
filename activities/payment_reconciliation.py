"""Reconciliation of card payments: control knows what we hold and notes what differs, outbound asks Stripe and gives back."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from activities.base import Task, implements
from activities.payments import give_back
from cutroom.contracts.base import JobRef, Nothing
from cutroom.contracts.cards import Intent
from cutroom.contracts.payment_reconciliation import (
    CANCEL_STRAY,
    COMPARE_PAYMENTS,
    FETCH_PAYMENTS,
    LIST_PAYMENTS,
    READ_PAYMENTS,
    DayPage,
    Differences,
    FoundPayments,
    NamedPayments,
    PaymentDay,
    PaymentIds,
    Stray,
)
from cutroom.errors import NotFound, SetupError
from cutroom.money.card_differences import Difference, difference
from cutroom.store import identity, payments, reconciliation

# A workflow may be about to note, release or hand over: what changed this lately is left to the next run.
SETTLES_WITHIN = timedelta(minutes=15)
LISTED_AT_ONCE = 1000
ACTIONS = {
    "none": "None.",
    "note": "Noted as Stripe has it.",
    "add": "Put on record.",
    "release": "The payment is given back.",
    "cancel": "The intent is canceled.",
}


@implements(READ_PAYMENTS)
async def read_payments(task: Task, page: DayPage) -> FoundPayments:
    """A page of all intents of jobs made that day. Nothing where the mode has no key."""
    found = _nothing(page)
    try:
        cards = task.resources.cards(page.mode)
    except SetupError:
        return found
    intents, after = await cards.intents(page.since, page.until, page.after)
    return found.model_copy(update={"intents": [intent for intent in intents if intent.metadata.get("job")], "next": after})


@implements(LIST_PAYMENTS)
async def list_payments(task: Task, page: DayPage) -> PaymentIds:
    """A page of the intents that our payments of the day name."""
    async with task.resources.all_organisations.transaction(None) as session:
        named = await payments.begun(session, page.mode, page.since, page.until, page.after or None, LISTED_AT_ONCE)
    return PaymentIds(ids=[payment.intent_id for payment in named.items], next=named.next_cursor or "")


@implements(FETCH_PAYMENTS)
async def fetch_payments(task: Task, named: NamedPayments) -> FoundPayments:
    """These intents, one by one: they may be a little younger than their payments. Nothing where the mode has no key."""
    found = _nothing(named)
    intents: list[Intent] = []
    missing: list[str] = []
    try:
        cards = task.resources.cards(named.mode)
    except SetupError:
        return found
    for done, intent_id in enumerate(named.ids, 1):
        try:
            intents.append(await cards.get_intent(intent_id))
        except NotFound:
            missing.append(intent_id)
        task.beat(done, len(named.ids))
    return found.model_copy(update={"intents": intents, "missing": missing})


def _nothing(day: PaymentDay) -> FoundPayments:
    return FoundPayments(mode=day.mode, since=day.since, until=day.until, as_of=datetime.now(UTC))


@implements(COMPARE_PAYMENTS)
async def compare_payments(task: Task, found: FoundPayments) -> Differences:
    """Name each difference; note and add here, leave to the caller what is to be asked of Stripe."""
    counts: Counter[str] = Counter()
    release: list[JobRef] = []
    strays: list[Stray] = []
    async with task.resources.all_organisations.transaction(None) as session:
        kept = await payments.of_jobs(session, [intent.metadata.get("job", "") for intent in found.intents])
    for done, intent in enumerate(found.intents, 1):
        job, payment = kept.get(intent.metadata.get("job", ""), (None, None))
        ref = JobRef(org_id=intent.metadata.get("organisation", ""), job_id=intent.metadata.get("job", ""))
        differs = difference(intent, job, payment, found.as_of - SETTLES_WITHIN)
        if differs is not None and (job is None or job.org_id == ref.org_id) and await _mend(task, ref, intent, differs):
            counts[differs.kind] += 1
            if differs.mending == "release":
                release.append(ref)
            elif differs.mending == "cancel":
                strays.append(Stray(job=ref, mode=intent.mode, intent_id=intent.id))
        task.beat(done, len(found.intents))
    counts["intent_missing"] += await _tell_missing(task, found.missing)
    return Differences(counts=+counts, release=release, strays=strays)


async def _mend(task: Task, job: JobRef, intent: Intent, differs: Difference) -> bool:
    """Note the difference; False where it is not ours to mend, or was told within a day and nothing is to be done."""
    async with task.resources.all_organisations.transaction(job.org_id) as session:
        if not await identity.exists(session, job.org_id):
            return False  # another installation pays at the same account
        if differs.mending == "add":
            await payments.begin(session, job, intent.mode, intent.amount, intent.currency)
        if differs.mending in ("add", "note"):
            await payments.note(session, job, intent)
        new = await reconciliation.add_finding(
            session, job.org_id, differs.kind, intent.id, differs.detail, ACTIONS[differs.mending]
        )
    return new or differs.mending != "none"


async def _tell_missing(task: Task, intent_ids: list[str]) -> int:
    told = 0
    async with task.resources.all_organisations.transaction(None) as session:
        for intent_id, payment in (await payments.by_intents(session, intent_ids)).items():
            detail = "A payment names an intent that Stripe knows nothing of."
            told += await reconciliation.add_finding(session, payment.org_id, "intent_missing", intent_id, detail, ACTIONS["none"])
    return told


@implements(CANCEL_STRAY)
async def cancel_stray(task: Task, stray: Stray) -> Nothing:
    """Give back an intent that no payment of ours names, unless it was captured since."""
    cards = task.resources.cards(stray.mode)
    intent = await cards.get_intent(stray.intent_id)
    if intent.status != "succeeded":
        await give_back(cards, stray.job, intent)
    return Nothing()
