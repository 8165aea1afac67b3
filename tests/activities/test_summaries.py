"""What a summary leaves for people to read: its files, and why it came without its reel."""

import hashlib
from pathlib import Path

import pytest

from activities.base import Resources, Task
from activities.summaries import record_summary, resolve_summary
from cutroom.contracts.base import ArtifactRef, Frozen, JobRef
from cutroom.contracts.documents import Summary, Transcript
from cutroom.contracts.media import MediaFacts
from cutroom.contracts.summary import RecordSummaryInput, Reel, SummaryFiles
from cutroom.store import jobs
from cutroom.store.tables import Asset

MEDIA = MediaFacts(container="mp4", duration_s=60, width=640, height=360, fps=30, video_codec="h264", has_audio=True)
VIDEO = ArtifactRef(key="org/nobody/reel", sha256="0" * 64, size=1)
HEARD = Transcript(engine="none", language="en", duration_s=1, words=[], sentences=[])
TOLD = Summary(summary=[], key_points=[], chapters=[], highlights=[], language="en", engine="extractive")


async def stored(resources: Resources, folder: Path, document: Frozen) -> ArtifactRef:
    text = document.model_dump_json().encode()
    sha256 = hashlib.sha256(text).hexdigest()
    ref = ArtifactRef(key=f"tests/summaries/{sha256}", sha256=sha256, size=len(text))
    (folder / "document").write_bytes(text)
    await resources.objects.put_once(ref.key, folder / "document", sha256, "application/json")
    return ref


@pytest.mark.parametrize(
    ("reel", "warning"),
    [
        (None, ""),
        (Reel(video=VIDEO), ""),
        (Reel(error_code="no_highlights"), "There is no reel, since the recording has no highlights; it was not charged."),
        (Reel(error_code="ffmpeg_failed"), "There is no reel: a step of it failed with ffmpeg_failed. It was not charged."),
    ],
    ids=["unasked", "made", "no-highlights", "failed"],
)
async def test_the_reel_is_among_the_files_or_a_warning_says_why_not(
    resources: Resources, task: Task, paid_job: JobRef, tmp_path: Path, reel: Reel | None, warning: str
) -> None:
    transcript, told = await stored(resources, tmp_path, HEARD), await stored(resources, tmp_path, TOLD)
    files = SummaryFiles(json_file=told, markdown=told, docx=told, chapters=told)
    await record_summary(task, RecordSummaryInput(job=paid_job, transcript=transcript, files=files, reel=reel))
    async with resources.database.transaction(paid_job.org_id) as session:
        job = await jobs.get(session, paid_job.job_id)
    assert job.result["warnings"] == [warning] * bool(warning)
    assert job.files.keys() >= {"transcript", "summary", "summary.md", "summary.docx", "chapters.vtt"}
    assert ("reel.mp4" in job.files) == (reel is not None and reel.video is not None)


async def test_the_clips_of_a_reel_are_as_the_job_says(resources: Resources, task: Task, paid_job: JobRef) -> None:
    wanted = {"length": "short", "key_points": 3, "highlights": 2, "captions": {}}
    reel = {"aspect": "1:1", "caption_style": "classic", "resolution": "720p"}
    async with resources.database.transaction(paid_job.org_id) as session:
        row = await jobs.get(session, paid_job.job_id)
        row.request, row.watermark = {**wanted, "reel": reel}, True
        asset = await session.get_one(Asset, row.asset_id)
        asset.media, asset.source_key = MEDIA.model_dump(), "nowhere"
    plan = (await resolve_summary(task, paid_job)).reel
    assert plan is not None
    assert (plan.wishes.count, plan.wishes.aspect, plan.wishes.resolution, plan.watermark) == (2, "1:1", "720p", True)
