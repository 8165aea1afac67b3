"""Giving back the card's authorisation, or what was captured, for a job whose own workflow is gone."""

from temporalio import workflow

from cutroom.contracts.base import JobRef, Nothing
from cutroom.contracts.summary import RELEASE_PAYMENT
from workflows.steps import StepError, call


@workflow.defn(name="payment_release", failure_exception_types=[StepError])
class PaymentRelease:
    """`payment_release/sum_...`"""

    @workflow.run
    async def run(self, job: JobRef) -> Nothing:
        return await call(RELEASE_PAYMENT, job)
