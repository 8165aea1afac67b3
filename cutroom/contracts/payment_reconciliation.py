"""Reconciliation of card payments: what Stripe holds of the last days against our payments and jobs, a day at a time."""

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


class ReadPaymentsInput(PaymentDay):
    """`expected`: intents that our payments name."""

    expected: list[str] = []


class FoundPayments(PaymentDay):
    """Jobs' intents as Stripe had them after `as_of`. `missing`: expected ones that it knows nothing of."""

    as_of: datetime
    intents: list[Intent] = []
    missing: list[str] = []


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


LIST_PAYMENTS = Step("list_payments", Queue.CONTROL, PaymentDay, ReadPaymentsInput, 60, 60, attempts=3)
READ_PAYMENTS = Step("read_payments", Queue.OUTBOUND, ReadPaymentsInput, FoundPayments, 600, 60, attempts=3)
COMPARE_PAYMENTS = Step("compare_payments", Queue.CONTROL, FoundPayments, Differences, 300, 60, attempts=3)
CANCEL_STRAY = Step("cancel_stray", Queue.OUTBOUND, Stray, Nothing, 60, 30, attempts=3)
