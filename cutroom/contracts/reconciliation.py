"""Reconciliation: what Postgres says of jobs, holds and uploads is held against what Temporal and the store say."""

from typing import Literal, get_args

from cutroom.contracts.base import Frozen, JobRef, StepInput
from cutroom.contracts.steps import Queue, Step

Part = Literal["jobs", "holds", "sweeps", "deliveries", "purge"]


class Parts(Frozen):
    """Which parts of reconciliation to run; those that no run names are left to the schedule."""

    parts: tuple[Part, ...] = get_args(Part)


class EveryOrganisation(StepInput):
    """Input of the steps that look at all organisations."""

    @property
    def owner(self) -> JobRef:
        return JobRef(org_id="", job_id="")


class Findings(Frozen):
    """How many of each kind were found and mended."""

    counts: dict[str, int] = {}


RECONCILE_JOBS = Step("reconcile_jobs", Queue.CONTROL, EveryOrganisation, Findings, 300, 60, attempts=3)
RECONCILE_HOLDS = Step("reconcile_holds", Queue.CONTROL, EveryOrganisation, Findings, 300, 60, attempts=3)
SWEEP_UPLOADS = Step("sweep_uploads", Queue.CONTROL, EveryOrganisation, Findings, 300, 60, attempts=3)
SWEEP_STORE = Step("sweep_store", Queue.OUTBOUND, EveryOrganisation, Findings, 300, 60, attempts=3)
EXPIRE_FILES = Step("expire_files", Queue.CONTROL, EveryOrganisation, Findings, 300, 60, attempts=3)
EXPIRE_GRANTS = Step("expire_grants", Queue.CONTROL, EveryOrganisation, Findings, 300, 60, attempts=3)
PURGE_RECORDS = Step("purge_records", Queue.CONTROL, EveryOrganisation, Findings, 300, 60, attempts=3)
RECONCILE_DELIVERIES = Step("reconcile_deliveries", Queue.CONTROL, EveryOrganisation, Findings, 300, 60, attempts=3)
