"""Reconciliation, started by a schedule: jobs whose workflow is gone are closed or started anew, holds given back.

What a step could not do is left to the next run, a minute later; the other steps run all the same.
"""

from collections.abc import Mapping, Sequence

from temporalio import workflow

from cutroom.contracts.reconciliation import (
    EXPIRE_FILES,
    EXPIRE_GRANTS,
    PURGE_RECORDS,
    RECONCILE_DELIVERIES,
    RECONCILE_HOLDS,
    RECONCILE_JOBS,
    SWEEP_STORE,
    SWEEP_UPLOADS,
    EveryOrganisation,
    Findings,
    Part,
    Parts,
)
from cutroom.contracts.steps import Step
from workflows.steps import Expired, Flow, StepError

STEPS: Mapping[Part, Sequence[Step[EveryOrganisation, Findings]]] = {
    "jobs": (RECONCILE_JOBS,),
    "holds": (RECONCILE_HOLDS,),
    "sweeps": (SWEEP_UPLOADS, SWEEP_STORE, EXPIRE_GRANTS),
    "deliveries": (RECONCILE_DELIVERIES,),
    "purge": (EXPIRE_FILES, PURGE_RECORDS),
}
SINCE_0_4 = ("deliveries", "purge")


@workflow.defn(name="reconciliation", failure_exception_types=[StepError, Expired])
class Reconciliation:
    """`reconciliation/...`"""

    def __init__(self) -> None:
        self.flow = Flow()

    @workflow.run
    async def run(self, wanted: Parts | None = None) -> Findings:
        counts: dict[str, int] = {}
        for part in wanted.parts if wanted is not None else STEPS:
            if part in SINCE_0_4 and not workflow.patched("deliveries"):
                continue
            for step in STEPS[part]:
                counts.update(await self._counts(step))
        return Findings(counts=counts)

    async def _counts(self, step: Step[EveryOrganisation, Findings]) -> dict[str, int]:
        try:
            return (await self.flow.execute(step, EveryOrganisation())).counts
        except StepError as error:
            workflow.logger.warning("%s failed with %s", error.step, error.code)
            return {f"failed_{step.name}": 1}
