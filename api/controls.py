"""Cancel, pause and resume: the same for jobs of every kind."""

from typing import Literal

from api.deps import Caller, Services
from api.handing import SWEEPER_WAITS_S, hand_over
from api.resources import JobResource, job_resources
from cutroom.contracts.ids import workflow_id
from cutroom.contracts.jobs import TERMINAL
from cutroom.errors import Conflict
from cutroom.store import jobs, outbox


async def tell(
    services: Services, caller: Caller, kind: str, job_id: str, signal: Literal["cancel", "pause", "resume"]
) -> JobResource:
    """Raises NotFound (`job_unknown`), and Conflict (`job_ended`) unless an ended job is only to be canceled."""
    row = None
    async with services.database.transaction(caller.org_id) as session:
        job = await jobs.get(session, job_id, kind)
        if job.status not in TERMINAL:
            if signal == "cancel":
                await jobs.request_cancel(session, job)
            target = workflow_id(kind, job.id)
            row = await outbox.add(session, job.org_id, "signal", target, {"signal": signal}, head_start_s=SWEEPER_WAITS_S)
        elif signal != "cancel":
            raise Conflict("This job has ended; start a new one.", code="job_ended")
        (resource,) = await job_resources(session, [job])
    if row is not None:
        await hand_over(services, row)
    return resource
