"""Reconciliation, started by a schedule: jobs whose workflow is gone are closed or started anew, holds given back.

What a step could not do is left to the next run, a minute later; the other steps run all the same.
"""

from temporalio import workflow

from cutroom.contracts.reconciliation import (
    EXPIRE_FILES,
    EXPIRE_GRANTS,
    RECONCILE_DELIVERIES,
    RECONCILE_HOLDS,
    RECONCILE_JOBS,
    SWEEP_STORE,
    SWEEP_UPLOADS,
    EveryOrganisation,
    Findings,
)
from workflows.steps import Expired, Flow, StepError


@workflow.defn(name="reconciliation", failure_exception_types=[StepError, Expired])
class Reconciliation:
    """`reconciliation/...`"""

    def __init__(self) -> None:
        self.flow = Flow()

    @workflow.run
    async def run(self) -> Findings:
        counts: dict[str, int] = {}
        steps = [RECONCILE_JOBS, RECONCILE_HOLDS, SWEEP_UPLOADS, SWEEP_STORE, EXPIRE_GRANTS]
        if workflow.patched("deliveries"):  # since 0.4.0
            steps += [RECONCILE_DELIVERIES, EXPIRE_FILES]
        for step in steps:
            try:
                counts.update((await self.flow.execute(step, EveryOrganisation())).counts)
            except StepError as error:
                workflow.logger.warning("%s failed with %s", error.step, error.code)
                counts[f"failed_{step.name}"] = 1
        return Findings(counts=counts)
