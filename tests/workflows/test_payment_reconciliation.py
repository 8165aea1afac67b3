"""Reconciliation of payments goes through every page of every day, however many there are, in payloads that Temporal takes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.workflow import Info

from cutroom.contracts.base import Frozen, JobRef, StepInput
from cutroom.contracts.cards import CardState, Intent, Purchase
from cutroom.contracts.ids import new_id
from cutroom.contracts.payment_reconciliation import DayPage, Differences, FoundPayments, NamedPayments, PaymentIds
from cutroom.contracts.purchase_reconciliation import FoundSales, Sale, SalesPage, Suspects
from cutroom.contracts.reconciliation import Findings
from cutroom.contracts.steps import Queue
from tests.workflows.conftest import Theatre

pytestmark = pytest.mark.usefixtures("one_attempt")

NOW = datetime.now(UTC)
PAGE, IDS = 100, 1000  # Stripe's objects, our ids
A_DAY = 20_000
# https://docs.temporal.io/cloud/limits: a payload, events of a history, its size
PAYLOAD, EVENTS, HISTORY = 2_000_000, 51_200, 50_000_000


def intent(number: int) -> Intent:
    """As Stripe names them, with what we keep of them at its longest."""
    named = {"job": f"sum_{number:032}", "organisation": f"org_{number:032}", "mode": "live"}
    return Intent(
        id=intent_id(number),
        mode="live",
        status="requires_payment_method",
        amount=12_345_678,
        amount_capturable=12_345_678,
        amount_received=12_345_678,
        refunded=12_345_678,
        currency="usd",
        customer=f"cus_{number:014}",
        metadata=named,
        decline_code="transaction_not_allowed",
        cancel_reason="requested_by_customer",
        capture_before=NOW,
        created_at=NOW,
    )


def intent_id(number: int) -> str:
    return f"pi_{number:024}"


def sale(number: int) -> Sale:
    id = f"cs_live_a1{number:056}"
    purchase = Purchase(id=id, book="2026-12", kind="pack", item="medium", amount=3900, paid_at=NOW, ends_at=NOW)
    return Sale(customer=f"cus_{number:014}", purchase=purchase)


class Lists:
    """Stripe and the books of one day, today in live mode, with so many payments and purchases; all other days are empty."""

    def __init__(self, theatre: Theatre, payments: int, sales: int, named: list[str]) -> None:
        self.payments, self.sales, self.named = payments, sales, named
        self.asked: list[StepInput] = []
        self.fetched: list[list[str]] = []
        for step, answer in {
            "read_payments": self.read_payments,
            "list_payments": self.list_payments,
            "fetch_payments": self.fetch_payments,
            "read_sales": self.read_sales,
            "list_grants": self.list_grants,
        }.items():
            theatre.acts[step] = self.noted(answer)
        theatre.answers |= {"compare_payments": Differences(), "compare_sales": Suspects(), "mend_purchase": Findings()}
        theatre.answers["look_up_card_object"] = CardState(mode="live")

    def noted(self, answer: Callable[[Any], Frozen]) -> Callable[[StepInput], Any]:
        async def act(input: StepInput) -> Frozen:
            self.asked.append(input)
            return answer(input)

        return act

    def is_busy(self, day: DayPage | NamedPayments) -> bool:
        return day.mode == "live" and day.since <= datetime.now(UTC) < day.until

    def part(self, page: DayPage, count: int, size: int) -> tuple[range, str]:
        """The numbers on a page, and what the next one comes after."""
        first = int(page.after or 0)
        end = min(first + size, count) if self.is_busy(page) else first
        return range(first, end), str(end) if self.is_busy(page) and end < count else ""

    def read_payments(self, page: DayPage) -> FoundPayments:
        numbers, after = self.part(page, self.payments, PAGE)
        return self._found(page, [intent(number) for number in numbers], after)

    def list_payments(self, page: DayPage) -> PaymentIds:
        numbers, after = self.part(page, len(self.named), IDS)
        return PaymentIds(ids=[self.named[number] for number in numbers], next=after)

    def fetch_payments(self, named: NamedPayments) -> FoundPayments:
        self.fetched.append(named.ids)
        return self._found(named, [], "").model_copy(update={"missing": named.ids})

    def read_sales(self, page: SalesPage) -> FoundSales:
        numbers, after = self.part(page, self.sales if page.what == "packs" else 0, PAGE)
        sales = [sale(number) for number in numbers]
        return FoundSales(mode=page.mode, since=page.since, until=page.until, as_of=NOW, sales=sales, next=after)

    def list_grants(self, page: DayPage) -> PaymentIds:
        numbers, after = self.part(page, self.sales, IDS)
        return PaymentIds(ids=[sale(number).purchase.id for number in numbers], next=after)

    def _found(self, day: DayPage | NamedPayments, intents: list[Intent], after: str) -> FoundPayments:
        return FoundPayments(mode=day.mode, since=day.since, until=day.until, as_of=NOW, intents=intents, next=after)


async def reconcile(theatre: Theatre) -> tuple[Findings, WorkflowHandle[Any, Any]]:
    id = f"payment_reconciliation/{new_id('req')}"
    handle = await theatre.client.start_workflow("payment_reconciliation", id=id, task_queue=Queue.CONTROL, result_type=Findings)
    return await handle.result(), handle


async def test_every_page_is_compared_and_only_what_stripe_did_not_list_is_fetched_by_its_id(theatre: Theatre) -> None:
    unlisted = [f"pi_unlisted_{number}" for number in range(150)]
    lists = Lists(theatre, 250, 0, [*(intent_id(number) for number in range(250)), *unlisted])
    found, _ = await reconcile(theatre)
    assert found.counts == {}
    assert lists.fetched == [unlisted[:100], unlisted[100:]]
    days = {(day.mode, day.since) for day in lists.asked if isinstance(day, DayPage)}
    assert len(days) == 20
    assert theatre.steps.count("read_payments") == 20 + 2
    assert theatre.steps.count("compare_payments") == 3 + 2


async def test_suspects_and_grants_that_no_list_had_are_looked_up_whole_and_mended(theatre: Theatre) -> None:
    lists = Lists(theatre, 0, 3, [])

    async def suspect(found: Any) -> Suspects:
        return Suspects(ids=[found.sales[1].purchase.id])

    async def look_up(event: Any) -> CardState:
        if event.object_id == "in_unclear":
            raise ApplicationError("unclear", type="card_unclear")
        return CardState(mode="live")

    async def granted(page: Any) -> PaymentIds:
        return PaymentIds(ids=[sale(1).purchase.id, "in_unclear", "in_unlisted"] if lists.is_busy(page) else [])

    theatre.acts |= {"compare_sales": suspect, "list_grants": granted, "look_up_card_object": look_up}
    theatre.answers["mend_purchase"] = Findings(counts={"grant_missing": 1})
    found, _ = await reconcile(theatre)
    assert found.counts == {"grant_missing": 2, "failed_look_up_card_object": 1}
    assert [part for step, part in theatre.calls if step == "mend_purchase"] == [sale(1).purchase.id, "in_unlisted"]


async def test_a_list_that_cannot_be_read_keeps_no_other_from_being_compared(theatre: Theatre) -> None:
    Lists(theatre, 5, 5, [])
    theatre.fail("read_payments", "card_unclear", final=False)
    found, _ = await reconcile(theatre)
    assert found.counts == {"failed_read_payments": 20}
    assert (theatre.steps.count("compare_payments"), theatre.steps.count("compare_sales")) == (0, 1)


async def test_a_payment_that_cannot_be_given_back_keeps_no_other_from_being_compared(theatre: Theatre) -> None:
    Lists(theatre, 150, 1, [])
    theatre.answers["compare_payments"] = Differences(
        release=[JobRef(org_id=theatre.job.org_id, job_id=f"sum_{n}") for n in (1, 2)]
    )
    theatre.fail("release_payment", "card_request_refused", final=True)
    found, _ = await reconcile(theatre)
    assert found.counts == {"failed_release_payment": 4}
    assert (theatre.steps.count("compare_payments"), theatre.steps.count("compare_sales")) == (2, 1)


async def test_a_run_that_goes_on_as_a_new_one_looks_at_each_day_once_and_counts_on(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Info, "is_continue_as_new_suggested", lambda _: True)
    lists = Lists(theatre, 5, 0, [])
    theatre.answers["compare_payments"] = Differences(counts={"captured_twice": 1})
    found, handle = await reconcile(theatre)
    assert found.counts == {"captured_twice": 1}
    days = [(day.mode, day.since) for day in lists.asked if type(day) is DayPage]
    assert len(set(days)) == 20
    assert handle.first_execution_run_id != (await handle.describe()).run_id


async def test_a_day_of_twenty_thousand_payments_fits_into_payloads_and_history(theatre: Theatre) -> None:
    """Measured on a twentieth of it; what each page adds is the same."""
    part = 20
    lists = Lists(theatre, A_DAY // part, A_DAY // part // 10, [intent_id(number) for number in range(A_DAY // part)])
    _, handle = await reconcile(theatre)
    info = (await handle.describe()).raw_description.workflow_execution_info
    history = await handle.fetch_history()
    payloads = [
        len(payload.data)
        for event in history.events
        for payload in (
            *event.activity_task_scheduled_event_attributes.input.payloads,
            *event.activity_task_completed_event_attributes.result.payloads,
        )
    ]
    assert lists.fetched == []
    assert max(payloads) < 100_000 < PAYLOAD
    assert info.history_length * part < EVENTS
    assert info.history_size_bytes * part < HISTORY
    assert len(PaymentIds(ids=[intent_id(number) for number in range(IDS)]).model_dump_json()) < 100_000


def test_the_fullest_page_of_each_list_is_under_a_hundred_kilobytes() -> None:
    day = {"mode": "live", "since": NOW, "until": NOW + timedelta(days=1), "as_of": NOW}
    pages: list[Frozen] = [
        FoundPayments(**day, intents=[intent(number) for number in range(PAGE)]),
        FoundSales(**day, sales=[sale(number) for number in range(PAGE)]),
        PaymentIds(ids=[sale(number).purchase.id for number in range(IDS)]),
    ]
    assert [len(page.model_dump_json()) for page in pages if len(page.model_dump_json()) > 100_000] == []
