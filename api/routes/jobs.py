"""Jobs of every kind: where they stand, what happened, what they made."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel

from api.deps import JobDep, JobsRead, PageDep, Services, ServicesDep
from api.downloads import NamedDownload, download, job_files, require_kept
from api.resources import JobResource, ListOf, job_resources
from cutroom.contracts.jobs import TERMINAL, JobStatus
from cutroom.store import clips, jobs
from cutroom.store.tables import Job, JobEvent

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

LOOK_EVERY_S = 0.5


class LogFile(BaseModel):
    """What the tools of one attempt of a step said. `part` tells equal pieces of a step apart."""

    step: str
    part: str
    attempt: int
    file: NamedDownload


@router.get("")
async def list_jobs(
    services: ServicesDep,
    caller: JobsRead,
    page: PageDep,
    kind: Literal["campaign", "summary"] | None = None,
    status: JobStatus | None = None,
) -> ListOf[JobResource]:
    """Your jobs, newest first."""
    async with services.database.transaction(caller.org_id) as session:
        found = await jobs.read_list(session, kind, status, page.cursor, page.limit)
        return ListOf(items=await job_resources(session, found.items), next_cursor=found.next_cursor)


@router.get("/{job_id}")
async def get_job(job: JobDep, services: ServicesDep, caller: JobsRead) -> JobResource:
    async with services.database.transaction(caller.org_id) as session:
        (resource,) = await job_resources(session, [job])
    return resource


@router.get("/{job_id}/events", response_class=EventSourceResponse)
async def stream_job_events(
    job: JobDep, services: ServicesDep, last_event_id: Annotated[int, Header(ge=0)] = 0
) -> AsyncIterator[ServerSentEvent]:
    """What happened so far and what happens from now on, as server-sent events; ends with the job.

    A numbered event comes once: go on after the last one by `Last-Event-ID`. `progress` has no number, and comes when
    it changes: step -> how much of it is done, 0 to 1.
    """
    shown: dict[str, Any] = {}
    while True:
        job, events = await _news(services, job, last_event_id)
        for event in events:
            last_event_id = event.seq
            yield ServerSentEvent(event=event.kind, id=str(event.seq), data={"at": event.at.isoformat(), **event.data})
        if job.progress != shown:
            shown = job.progress
            yield ServerSentEvent(event="progress", data=shown)
        if job.status in TERMINAL or await _closing_within(services, LOOK_EVERY_S):
            return


async def _news(services: Services, job: Job, seq: int) -> tuple[Job, list[JobEvent]]:
    """The job first: where it has ended, its last event is among those read after it."""
    async with services.database.transaction(job.org_id) as session:
        fresh = await jobs.get(session, job.id)
        return fresh, await jobs.events_after(session, job.id, seq)


async def _closing_within(services: Services, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await services.closing.wait()
    except TimeoutError:
        return False


@router.get("/{job_id}/files")
async def list_job_files(job: JobDep, services: ServicesDep, caller: JobsRead) -> ListOf[NamedDownload]:
    """URLs, for 15 minutes, of everything the job made: transcript, summary, reel, shots, selection and the files of its clips."""
    require_kept(job)
    async with services.database.transaction(caller.org_id) as session:
        rows = await clips.of_jobs(session, [job.id])
        versions = await clips.current_versions(session, [row.id for row in rows])
    files = job_files(job, [(row, versions[row.id]) for row in rows if row.id in versions])
    return ListOf(items=[await download(services, name, ref) for name, ref in sorted(files.items())])


@router.get("/{job_id}/log")
async def list_job_logs(job: JobDep, services: ServicesDep, caller: JobsRead) -> ListOf[LogFile]:
    """What ffmpeg and the other tools said, one text file per attempt of a step, oldest first."""
    require_kept(job)
    async with services.database.transaction(caller.org_id) as session:
        rows = await jobs.logs(session, job.id)
    items = []
    for row in rows:
        name = "-".join(filter(None, (row.facts["step"], row.facts["part"], str(row.facts["attempt"])))) + ".log"
        file = await download(services, name, {"key": row.key, "sha256": row.sha256, "size": row.size})
        items.append(LogFile(step=row.facts["step"], part=row.facts["part"], attempt=row.facts["attempt"], file=file))
    return ListOf(items=items)
