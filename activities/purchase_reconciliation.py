"""Reconciliation of purchases: outbound reads Stripe's lists, control holds them against the ledger, and mends what is missing."""

from collections import Counter
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from activities.base import Task, implements
from activities.payment_reconciliation import LISTED_AT_ONCE, SETTLES_WITHIN
from cutroom.contracts.cards import Disputed, Refunded
from cutroom.contracts.payment_reconciliation import DayPage, PaymentIds
from cutroom.contracts.purchase_reconciliation import (
    COMPARE_SALES,
    LIST_GRANTS,
    MEND_PURCHASE,
    READ_SALES,
    FoundSales,
    MendInput,
    SalesPage,
    Suspects,
)
from cutroom.contracts.reconciliation import Findings
from cutroom.errors import SetupError
from cutroom.money import purchases, sales
from cutroom.money.purchase_differences import difference
from cutroom.store import card_events, entries, payments, reconciliation

MISSING = {
    "granted": ("grant_missing", "{} credits were paid for and never granted.", "Granted."),
    "taken": ("revoke_missing", "{} credits were refunded or disputed and never taken back.", "Taken back."),
    "restored": ("restore_missing", "{} credits of a failed refund or a won dispute were never given again.", "Given again."),
}


@implements(READ_SALES)
async def read_sales(task: Task, page: SalesPage) -> FoundSales:
    """A page of what was sold, refunded or disputed that day. Nothing where the mode has no key."""
    try:
        cards = task.resources.cards(page.mode)
    except SetupError:
        return FoundSales(mode=page.mode, since=page.since, until=page.until, as_of=datetime.now(UTC))
    return await sales.read(cards, page)


@implements(COMPARE_SALES)
async def compare_sales(task: Task, found: FoundSales) -> Suspects:
    """Whom the ledger does not agree with. What Stripe did a moment ago is left to its event, or the next run.

    Refunds and disputes of others, where the account is shared, are none of ours.
    """
    settled = found.as_of - SETTLES_WITHIN
    sold = [sale for sale in found.sales if sale.purchase.paid_at <= settled]
    changes: list[Refunded | Disputed] = [*found.refunds, *found.disputes]
    changes = [change for change in changes if change.created_at <= settled]
    async with task.resources.all_organisations.transaction(None) as session:
        owners = await card_events.owners_of(session, [each.customer for each in (*sold, *changes)], found.mode)
        grants = await entries.grants_named(session, [sale.purchase.id for sale in sold])
        changes = [change for change in changes if change.intent_id and change.customer in owners]
        of_jobs = await payments.by_intents(session, [change.intent_id for change in changes])
        booked = await entries.booked_anywhere(
            session, [id for change in changes for id in (change.id, purchases.restoring(change))]
        )
    ids = [
        sale.purchase.id
        for sale in sold
        if difference(sale.purchase, owners.get(sale.customer), found.mode, grants.get(sale.purchase.id, []))
    ]
    ids += [change.id for change in changes if change.intent_id not in of_jobs and not purchases.is_booked(change, booked)]
    return Suspects(ids=ids)


@implements(LIST_GRANTS)
async def list_grants(task: Task, page: DayPage) -> PaymentIds:
    """A page of the purchases that grants of the day name."""
    async with task.resources.all_organisations.transaction(None) as session:
        named = await entries.purchases_granted(session, page.mode, page.since, page.until, page.after or None, LISTED_AT_ONCE)
    return PaymentIds(ids=[operation.operation_id for operation in named.items], next=named.next_cursor or "")


@implements(MEND_PURCHASE)
async def mend_purchase(task: Task, wanted: MendInput) -> Findings:
    """Book what is missing, as the event that tells of it does, and name what is otherwise than it should be."""
    counts: Counter[str] = Counter()
    state, purchase = wanted.state, wanted.state.purchase
    async with task.resources.all_organisations.transaction(None) as session:
        owner = await card_events.owner_of(session, state.customer, wanted.mode) if state.customer else None
        named = wanted.id if purchase is None else purchase.id
        grants = (await entries.grants_named(session, [named])).get(named, [])
        if purchase is None:
            for grant in grants:
                detail = "Credits were granted for what Stripe does not know, or was never paid for."
                counts["grant_unpaid"] += await _tell(session, grant.org_id, "grant_unpaid", named, detail)
            return Findings(counts=+counts)
        differs = difference(purchase, owner, wanted.mode, grants)
        if differs is not None and differs.mending == "none":
            whose = owner or grants[0].org_id
            counts[differs.kind] += await _tell(session, whose, differs.kind, named, differs.detail)
        if owner is None or (differs is not None and differs.kind not in ("grant_missing", "price_differs")):
            return Findings(counts=+counts)
        if state.subscription is not None:
            await purchases.subscribe(session, owner, wanted.mode, state.subscription)
        booked = await purchases.book(session, owner, wanted.mode, purchase)
        for name, (kind, detail, action) in MISSING.items():
            if amount := getattr(booked, name):
                await reconciliation.add_finding(session, owner, kind, named, detail.format(amount), action)
                counts[kind] += 1
    return Findings(counts=+counts)


async def _tell(session: AsyncSession, org_id: str, kind: str, subject: str, detail: str) -> int:
    """Name what is left to people; 0 where it was told within a day."""
    return await reconciliation.add_finding(session, org_id, kind, subject, detail, "None.")
