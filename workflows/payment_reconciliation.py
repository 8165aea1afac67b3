"""Reconciliation of card payments, started by a schedule each hour: the last days, day by day, in both modes.

What a step could not do is left to the next run; the other days are looked at all the same.
"""

from collections import Counter
from datetime import datetime, timedelta
from typing import get_args

from temporalio import workflow

from cutroom.contracts.cards import Mode
from cutroom.contracts.payment_reconciliation import CANCEL_STRAY, COMPARE_PAYMENTS, LIST_PAYMENTS, READ_PAYMENTS, PaymentDay
from cutroom.contracts.reconciliation import Findings
from cutroom.contracts.summary import RELEASE_PAYMENT
from workflows.steps import StepError, call

DAYS = 10  # a payment waits for a day at most, and its authorisation lapses after seven


@workflow.defn(name="payment_reconciliation", failure_exception_types=[StepError])
class PaymentReconciliation:
    """`payment_reconciliation/...`"""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    @workflow.run
    async def run(self) -> Findings:
        midnight = workflow.now().replace(hour=0, minute=0, second=0, microsecond=0)
        modes: tuple[Mode, ...] = get_args(Mode)
        for mode in modes:
            for back in range(DAYS):
                await self._look_at(mode, midnight - timedelta(days=back))
        return Findings(counts=+self.counts)

    async def _look_at(self, mode: Mode, since: datetime) -> None:
        day = PaymentDay(mode=mode, since=since, until=since + timedelta(days=1))
        try:
            found = await call(READ_PAYMENTS, await call(LIST_PAYMENTS, day))
            differences = await call(COMPARE_PAYMENTS, found)
            self.counts.update(differences.counts)
            for job in differences.release:
                await call(RELEASE_PAYMENT, job)
            for stray in differences.strays:
                await call(CANCEL_STRAY, stray)
        except StepError as error:
            workflow.logger.warning("%s failed with %s", error.step, error.code)
            self.counts[f"failed_{error.step}"] += 1
