"""Reconciliation of card payments: what Stripe holds of the last days against our payments and jobs, a page of a day at a time.

A page has a hundred of Stripe's objects, or a thousand ids of ours: under 100 kB, however many payments a day has.
"""

from datetime import datetime

from cutroom.contracts.base import Frozen, JobRef, Nothing, StepInput
from cutroom.contracts.cards import Intent, Mode
from cutroom.contracts.steps import Queue, Step


class PaymentDay(StepInput):
    """Payments of one mode, begun from `since` to before `until`."""

    mode: Mode
    since: datetime
    until: datetime

    @property
    def owner(self) -> JobRef:
        return JobRef(org_id="", job_id="")


class DayPage(PaymentDay):
    """A part of a day's list. `after`: what the page before gave as `next`; empty for the first."""

    after: str = ""


class PaymentIds(Frozen):
    """A page of ids that our books name. `next`: what the next page comes after; empty where this was the last."""

    ids: list[str] = []
    next: str = ""


class NamedPayments(PaymentDay):
    """Intents that our payments name, and that no page of the day had."""

    ids: list[str]


class FoundPayments(PaymentDay):
    """Jobs' intents as Stripe had them after `as_of`; `next` as in PaymentIds. `missing`: asked for, and unknown to Stripe."""

    as_of: datetime
    intents: list[Intent] = []
    missing: list[str] = []
    next: str = ""


class Stray(StepInput):
    """An intent that no payment of ours names, to be given back."""

    job: JobRef
    mode: Mode
    intent_id: str

    @property
    def owner(self) -> JobRef:
        return self.job

    @property
    def part(self) -> str:
        return self.intent_id


class Differences(Frozen):
    """`counts`: how many of each kind were found. `release`: jobs whose payment is to be given back; `strays`: other intents."""

    counts: dict[str, int] = {}
    release: list[JobRef] = []
    strays: list[Stray] = []


class Done(Frozen):
    """How far a run came that goes on as a new one: `days` of those before `midnight`, and how many of each kind it found."""

    midnight: datetime
    days: int
    counts: dict[str, int]


READ_PAYMENTS = Step("read_payments", Queue.OUTBOUND, DayPage, FoundPayments, 60, 60, attempts=3)
LIST_PAYMENTS = Step("list_payments", Queue.CONTROL, DayPage, PaymentIds, 60, 60, attempts=3)
FETCH_PAYMENTS = Step("fetch_payments", Queue.OUTBOUND, NamedPayments, FoundPayments, 600, 60, attempts=3)
COMPARE_PAYMENTS = Step("compare_payments", Queue.CONTROL, FoundPayments, Differences, 300, 60, attempts=3)
CANCEL_STRAY = Step("cancel_stray", Queue.OUTBOUND, Stray, Nothing, 60, 30, attempts=3)
