"""Reconciliation of card payments, started by a schedule each hour: the last days, day by day, in both modes.

What a step could not do is left to the next run; the rest is looked at all the same. Where the history grows too long, the run
goes on as a new one after a day.
"""

from collections import Counter
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import get_args

from temporalio import workflow

from cutroom.contracts.cards import LOOK_UP_CARD_OBJECT, CardEventInput, Mode
from cutroom.contracts.payment_reconciliation import (
    CANCEL_STRAY,
    COMPARE_PAYMENTS,
    FETCH_PAYMENTS,
    LIST_PAYMENTS,
    READ_PAYMENTS,
    DayPage,
    Done,
    FoundPayments,
    NamedPayments,
    PaymentDay,
    PaymentIds,
)
from cutroom.contracts.purchase_reconciliation import (
    COMPARE_SALES,
    LIST_GRANTS,
    MEND_PURCHASE,
    READ_SALES,
    MendInput,
    Sales,
    SalesPage,
)
from cutroom.contracts.reconciliation import Findings
from cutroom.contracts.steps import Step
from cutroom.contracts.summary import RELEASE_PAYMENT
from workflows.steps import StepError, call

DAYS = 10  # a payment waits for a day at most, and its authorisation lapses after seven
FETCHED_AT_ONCE = 100
# What does not work now is left to the next run: there is one each hour, and much else to look at.
RELEASE = replace(RELEASE_PAYMENT, attempts=3)
LOOK_UP = replace(LOOK_UP_CARD_OBJECT, attempts=3)
# The event that each of Stripe's lists would have told of.
KINDS: Mapping[Sales, str] = {
    "invoices": "invoice.paid",
    "packs": "checkout.session.completed",
    "refunds": "refund.updated",
    "disputes": "charge.dispute.updated",
}


@workflow.defn(name="payment_reconciliation", failure_exception_types=[StepError])
class PaymentReconciliation:
    """`payment_reconciliation/...`"""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    @workflow.run
    async def run(self, done: Done | None = None) -> Findings:
        if done is None:
            midnight = workflow.now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
            done = Done(midnight=midnight, days=0, counts={})
        self.counts.update(done.counts)
        modes: tuple[Mode, ...] = get_args(Mode)
        days = [(mode, done.midnight - timedelta(days=back)) for mode in modes for back in range(1, DAYS + 1)]
        for number, (mode, since) in enumerate(days[done.days :], done.days + 1):
            day = PaymentDay(mode=mode, since=since, until=since + timedelta(days=1))
            await self._as_far_as_it_goes(self._payments(day))
            await self._as_far_as_it_goes(self._purchases(day))
            if number < len(days) and workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(Done(midnight=done.midnight, days=number, counts=dict(self.counts)))
        return Findings(counts=+self.counts)

    async def _as_far_as_it_goes(self, work: Awaitable[object]) -> None:
        try:
            await work
        except StepError as error:
            workflow.logger.warning("%s failed with %s", error.step, error.code)
            self.counts[f"failed_{error.step}"] += 1

    async def _payments(self, day: PaymentDay) -> None:
        """Each intent of a job that Stripe made that day, then those that our payments of the day name besides."""
        seen: set[str] = set()
        page = DayPage(**day.model_dump())
        while True:
            found = await call(READ_PAYMENTS, page)
            seen.update(intent.id for intent in found.intents)
            await self._compare(found)
            if not found.next:
                break
            page = page.model_copy(update={"after": found.next})
        for ids in await self._unseen(LIST_PAYMENTS, day, seen):
            await self._compare(await call(FETCH_PAYMENTS, NamedPayments(**day.model_dump(), ids=ids)))

    async def _compare(self, found: FoundPayments) -> None:
        if not (found.intents or found.missing):
            return
        differences = await call(COMPARE_PAYMENTS, found)
        self.counts.update(differences.counts)
        for job in differences.release:
            await self._as_far_as_it_goes(call(RELEASE, job))
        for stray in differences.strays:
            await self._as_far_as_it_goes(call(CANCEL_STRAY, stray))

    async def _purchases(self, day: PaymentDay) -> None:
        """What Stripe sold, gave back and lost to disputes that day, then the purchases that grants of the day name besides."""
        seen: set[str] = set()
        suspects: dict[str, str] = {}
        lists: tuple[Sales, ...] = get_args(Sales)
        for what in lists:
            page = SalesPage(**day.model_dump(), what=what)
            while True:
                found = await call(READ_SALES, page)
                seen.update(sale.purchase.id for sale in found.sales)
                if found.sales or found.refunds or found.disputes:
                    suspects.update(dict.fromkeys((await call(COMPARE_SALES, found)).ids, KINDS[what]))
                if not found.next:
                    break
                page = page.model_copy(update={"after": found.next})
        for ids in await self._unseen(LIST_GRANTS, day, seen):
            suspects.update({id: KINDS["invoices" if id.startswith("in_") else "packs"] for id in ids})
        for id, kind in suspects.items():
            wanted = CardEventInput(event_id=f"reconciliation/{id}", kind=kind, object_id=id, mode=day.mode)
            await self._as_far_as_it_goes(self._mend(wanted))

    async def _mend(self, suspect: CardEventInput) -> None:
        state = await call(LOOK_UP, suspect)
        mended = await call(MEND_PURCHASE, MendInput(id=suspect.object_id, mode=suspect.mode, state=state))
        self.counts.update(mended.counts)

    async def _unseen(self, step: Step[DayPage, PaymentIds], day: PaymentDay, seen: set[str]) -> list[list[str]]:
        """Ids that our books of the day name and Stripe's lists of the day did not, so many at a time."""
        unseen: list[str] = []
        page = DayPage(**day.model_dump())
        while True:
            listed = await call(step, page)
            unseen += [id for id in listed.ids if id not in seen]
            if not listed.next:
                break
            page = page.model_copy(update={"after": listed.next})
        return [unseen[first : first + FETCHED_AT_ONCE] for first in range(0, len(unseen), FETCHED_AT_ONCE)]
