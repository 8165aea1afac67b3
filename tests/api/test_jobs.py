"""What people see of a job while it runs and after: events, progress, clips, files, logs."""

import asyncio
import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from cutroom.contracts.base import ArtifactRef, JobRef
from cutroom.contracts.campaign import FinishClipInput, PackagedClip
from cutroom.contracts.documents import ClipChoice
from cutroom.contracts.ids import new_id
from cutroom.contracts.jobs import EventInput, JobStatus
from cutroom.store import clips, jobs
from cutroom.store.tables import Artifact
from tests.api.conftest import Tenant

REF = ArtifactRef(key="org/o/jobs/j/step/f.json", sha256="0" * 64, size=3)
DONE, GOING = JobStatus.SUCCEEDED, JobStatus.PROCESSING


async def record(tenant: Tenant, job_id: str, seq: int, kind: str, status: JobStatus, **more: Any) -> None:
    event = EventInput(job=JobRef(org_id=tenant.org_id, job_id=job_id), seq=seq, kind=kind, status=status, **more)
    async with tenant.services.database.transaction(tenant.org_id) as session:
        await jobs.record_event(session, event)


async def look(tenant: Tenant, job_id: str) -> dict[str, Any]:
    shown: dict[str, Any] = (await tenant.http.get(f"/v1/jobs/{job_id}")).json()
    return shown


def parsed(stream: str) -> list[tuple[str, str, dict[str, Any]]]:
    """(id, event, data) of each server-sent event."""
    events = []
    for block in stream.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            events.append((fields.get("id", ""), fields["event"], json.loads(fields["data"])))
    return events


async def test_events_stream_from_where_a_client_left_off_to_the_end(tenant: Tenant) -> None:
    job_id = (await tenant.campaign())["id"]
    await record(tenant, job_id, 1, "status", GOING)
    await record(tenant, job_id, 2, "step_started", GOING, step="score")
    reading = asyncio.create_task(tenant.http.get(f"/v1/jobs/{job_id}/events", headers={"Last-Event-ID": "1"}))
    async with tenant.services.database.transaction(tenant.org_id) as session:
        await jobs.set_progress(session, job_id, "select_clips", 0.5)
    await record(tenant, job_id, 3, "step_ended", GOING, step="score")
    await record(tenant, job_id, 4, "status", DONE)
    async with asyncio.timeout(10):
        response = await reading
    assert response.headers["content-type"].startswith("text/event-stream")
    events = parsed(response.text)
    assert [(id, kind) for id, kind, _ in events if id] == [("2", "step_started"), ("3", "step_ended"), ("4", "status")]
    assert ("", "progress", {"select_clips": 0.5}) in events
    assert next(data for id, _, data in events if id == "4")["status"] == "succeeded"


async def test_the_row_follows_the_newest_event_and_an_ended_job_stays_ended(tenant: Tenant) -> None:
    job_id = (await tenant.campaign())["id"]
    await record(tenant, job_id, 3, "status", GOING)
    await record(tenant, job_id, 2, "status", JobStatus.PAUSED)
    assert (await look(tenant, job_id))["status"] == "processing"
    await record(tenant, job_id, 4, "status", JobStatus.FAILED, error_code="no_clips", error_detail="No clip could be made.")
    await record(tenant, job_id, 4, "status", GOING)
    await record(tenant, job_id, 5, "status", GOING)
    shown = await look(tenant, job_id)
    assert (shown["status"], shown["error"]["code"]) == ("failed", "no_clips")
    assert shown["started_at"] <= shown["ended_at"]


async def test_attention_says_what_is_wrong_until_the_job_goes_on(tenant: Tenant) -> None:
    job_id = (await tenant.campaign())["id"]
    await record(
        tenant,
        job_id,
        1,
        "attention",
        GOING,
        step="score",
        error_code="tool_failed",
        error_detail="It broke.",
        data={"who": "operator"},
    )
    await record(tenant, job_id, 2, "status", JobStatus.ATTENTION)
    await record(tenant, job_id, 3, "step_started", JobStatus.ATTENTION, step="clips")
    shown = await look(tenant, job_id)
    assert (shown["status"], shown["error"]) == ("attention", None)
    assert shown["attention"] == {"step": "score", "code": "tool_failed", "detail": "It broke.", "who": "operator"}
    await record(tenant, job_id, 4, "status", GOING)
    assert (await look(tenant, job_id))["attention"] is None


async def test_timings_count_each_step_from_its_last_start_to_its_end(tenant: Tenant) -> None:
    job_id = (await tenant.campaign())["id"]
    for seq, (kind, step) in enumerate(
        [("step_started", "a"), ("step_started", "b"), ("step_started", "a"), ("step_ended", "a"), ("step_started", "c")], 1
    ):
        await record(tenant, job_id, seq, kind, GOING, step=step)
    timings = (await look(tenant, job_id))["timings"]
    assert list(timings) == ["a"]
    assert 0 <= timings["a"] < 10


async def made_clips(tenant: Tenant, job_id: str) -> list[str]:
    """Two clips of a job: the first is ready, the second failed."""
    job = JobRef(org_id=tenant.org_id, job_id=job_id)
    span = {"start_s": 1.0, "end_s": 20.0, "first_sentence": 0, "last_sentence": 2, "text": "Words.", "title": "A title"}
    choices = [ClipChoice(ordinal=n, score=90.0 - n, score_parts={"hook": 4.0}, why="It asks.", **span) for n in (1, 2)]
    async with tenant.services.database.transaction(tenant.org_id) as session:
        first = await clips.record_clips(session, job, choices)
        again = await clips.record_clips(session, job, choices)
        assert [clip.id for clip in again] == [clip.id for clip in first]
        packaged = PackagedClip(video=REF, subtitles=None, thumbnail=REF, framing=REF, duration_s=19.0)
        for _ in range(2):
            await clips.finish_clip(session, FinishClipInput(job=job, clip_id=first[0].id, packaged=packaged))
        failed = FinishClipInput(job=job, clip_id=first[1].id, error_code="tool_failed", error_detail="It broke.")
        await clips.finish_clip(session, failed)
        await jobs.record_files(session, job, {"transcript": REF})
        await jobs.record_files(session, job, {"shots": REF})
    return [clip.id for clip in first]


async def test_clips_are_made_once_and_offer_their_files(tenant: Tenant) -> None:
    job_id = (await tenant.campaign())["id"]
    ready, failed = await made_clips(tenant, job_id)
    shown = (await tenant.http.get(f"/v1/campaigns/{job_id}/clips")).json()["items"]
    assert [(clip["id"], clip["status"], clip["version"]) for clip in shown] == [(ready, "ready", 1), (failed, "failed", 0)]
    assert shown == (await look(tenant, job_id))["clips"]
    assert (await tenant.http.get(f"/v1/clips/{ready}")).json()["files"] == ["framing", "thumbnail", "video"]

    video = (await tenant.http.get(f"/v1/clips/{ready}/download")).json()
    assert video["name"] == "clip-01.mp4"
    unsaid = await tenant.http.get(f"/v1/clips/{ready}/download", params={"file": "subtitles"})
    assert (unsaid.status_code, unsaid.json()["code"]) == (404, "file_unknown")
    unmade = await tenant.http.get(f"/v1/clips/{failed}/download")
    assert (unmade.status_code, unmade.json()["code"]) == (409, "clip_not_ready")
    files = (await tenant.http.get(f"/v1/jobs/{job_id}/files")).json()["items"]
    names = ["clip-01.frame.json", "clip-01.jpg", "clip-01.mp4", "shots.json", "transcript.json"]
    assert [file["name"] for file in files] == names


async def test_a_clip_that_failed_can_be_made_later_and_one_that_is_ready_stays(tenant: Tenant) -> None:
    job = JobRef(org_id=tenant.org_id, job_id=(await tenant.campaign())["id"])
    ready, failed = await made_clips(tenant, job.job_id)
    packaged = PackagedClip(video=REF, subtitles=REF, thumbnail=REF, framing=REF, duration_s=19.0)
    async with tenant.services.database.transaction(tenant.org_id) as session:
        await clips.finish_clip(session, FinishClipInput(job=job, clip_id=failed, packaged=packaged))
        await clips.finish_clip(session, FinishClipInput(job=job, clip_id=ready, error_code="late", error_detail="Late."))
        await clips.close_unfinished(session, job, "canceled", "The job ended.")
    shown = (await tenant.http.get(f"/v1/campaigns/{job.job_id}/clips")).json()["items"]
    assert [(clip["status"], clip["error"]) for clip in shown] == [("ready", None), ("ready", None)]


async def test_the_log_gives_what_each_attempt_of_a_step_said(tenant: Tenant, tmp_path: Path) -> None:
    job_id = (await tenant.campaign())["id"]
    key, text = f"org/{tenant.org_id}/jobs/{job_id}/log/1.txt", b"frame=1"
    (tmp_path / "log").write_bytes(text)
    sha256 = hashlib.sha256(text).hexdigest()
    await tenant.services.objects.put_once(key, tmp_path / "log", sha256, "text/plain")
    row = Artifact(id=new_id("art"), org_id=tenant.org_id, scope=job_id, job_id=job_id, step="log", fingerprint="1", key=key)
    row.size, row.sha256, row.facts = len(text), sha256, {"step": "render_clip", "part": "clp_1", "attempt": 2}
    async with tenant.services.database.transaction(tenant.org_id) as session:
        session.add(row)
    (log,) = (await tenant.http.get(f"/v1/jobs/{job_id}/log")).json()["items"]
    assert (log["step"], log["attempt"], log["file"]["name"]) == ("render_clip", 2, "render_clip-clp_1-2.log")
    async with httpx.AsyncClient() as store:
        got = await store.get(log["file"]["url"])
    assert got.content == text
    assert "render_clip-clp_1-2.log" in got.headers["content-disposition"]


async def test_the_files_of_a_job_can_be_had_until_they_expire_and_all_else_stays(tenant: Tenant) -> None:
    job_id = (await tenant.campaign())["id"]
    (clip_id, _), kept = await made_clips(tenant, job_id), timedelta(days=7)
    places = [f"/v1/jobs/{job_id}/files", f"/v1/jobs/{job_id}/log", f"/v1/clips/{clip_id}/download"]

    async def ended(ago: timedelta, retention_days: int | None) -> None:
        async with tenant.services.database.transaction(tenant.org_id) as session:
            job = await jobs.get(session, job_id)
            job.ended_at, job.retention_days = datetime.now(UTC) - ago, retention_days

    async def statuses() -> set[int]:
        return {(await tenant.http.get(place)).status_code for place in places}

    assert (await look(tenant, job_id))["files_expire_at"] is None
    await record(tenant, job_id, 1, "status", DONE)
    await ended(10 * kept, None)
    assert ((await look(tenant, job_id))["files_expire_at"], await statuses()) == (None, {200})
    await ended(kept - timedelta(minutes=1), 7)
    shown = await look(tenant, job_id)
    assert datetime.fromisoformat(shown["files_expire_at"]) - datetime.fromisoformat(shown["ended_at"]) == kept
    assert await statuses() == {200}
    await ended(kept, 7)
    assert await statuses() == {410}
    problem = (await tenant.http.get(places[0])).json()
    assert (problem["code"], "7 days" in problem["detail"], "new job" in problem["detail"]) == ("file_expired", True, True)
    after = await look(tenant, job_id)
    assert (after["status"], len(after["clips"])) == ("succeeded", 2)


async def test_lists_page_and_filter(tenant: Tenant) -> None:
    ids = [(await tenant.campaign())["id"] for _ in range(5)]
    await record(tenant, ids[0], 1, "status", DONE)
    seen, cursor = [], None
    while True:
        page = (await tenant.http.get("/v1/jobs", params={"limit": 2, **({"cursor": cursor} if cursor else {})})).json()
        seen += [job["id"] for job in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ids[::-1]
    done = (await tenant.http.get("/v1/jobs", params={"status": "succeeded", "kind": "campaign"})).json()["items"]
    assert [job["id"] for job in done] == ids[:1]
    for cursor in ("%", "bm90IGEgZGF0ZSB4", "MjAyNi0wMS0wMVQwMDowMDowMCAA"):
        refused = await tenant.http.get("/v1/jobs", params={"cursor": cursor})
        assert (refused.status_code, refused.json()["code"]) == (422, "cursor_invalid")
