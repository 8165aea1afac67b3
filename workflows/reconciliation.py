"""Reconciliation, started by a schedule: jobs whose workflow is gone are closed or started anew, holds given back."""

from temporalio import workflow

from cutroom.contracts.reconciliation import (
    EXPIRE_GRANTS,
    RECONCILE_HOLDS,
    RECONCILE_JOBS,
    SWEEP_STORE,
    SWEEP_UPLOADS,
    EveryOrganisation,
    Findings,
)
from workflows.steps import Flow


@workflow.defn(name="reconciliation")
class Reconciliation:
    """`reconciliation/...`"""

    def __init__(self) -> None:
        self.flow = Flow()

    @workflow.run
    async def run(self) -> Findings:
        counts: dict[str, int] = {}
        for step in (RECONCILE_JOBS, RECONCILE_HOLDS, SWEEP_UPLOADS, SWEEP_STORE, EXPIRE_GRANTS):
            counts.update((await self.flow.execute(step, EveryOrganisation())).counts)
        return Findings(counts=counts)
