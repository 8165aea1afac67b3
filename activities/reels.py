"""The steps of a highlight reel: which spans it shows, and its clips as one file."""

import asyncio
from pathlib import Path

from activities.base import Task, implements
from cutroom.contracts.base import ArtifactRef
from cutroom.contracts.campaign import ClipPlace, ClipPlaces
from cutroom.contracts.documents import Shots, Summary, Transcript
from cutroom.contracts.summary import JOIN_REEL, PLAN_REEL, JoinReelInput, ReelInput
from cutroom.media import ffmpeg, join, reel, render
from cutroom.media.presets import H264, canvas_of
from cutroom.media.probe import Policy, probe
from cutroom.media.timeline import FrameSpan


@implements(PLAN_REEL)
async def plan_reel(task: Task, asked: ReelInput) -> ClipPlaces:
    """Where the clips of the reel are, in order of time. They are the reel's alone, and on no list of clips."""
    summary, transcript = await task.read(asked.summary, Summary), await task.read(asked.transcript, Transcript)
    shots, length_s = await task.read(asked.shots, Shots), asked.plan.media.duration_s
    spans = await asyncio.to_thread(reel.reel_spans, summary.highlights, transcript, shots, length_s)
    own = asked.plan.job.job_id.partition("_")[2]
    return ClipPlaces(
        clips=[
            ClipPlace(clip_id=f"clp_{own}_{ordinal}", ordinal=ordinal, start_s=span.start_s, end_s=span.end_s)
            for ordinal, span in enumerate(spans, 1)
        ]
    )


@implements(JOIN_REEL)
async def join_reel(task: Task, asked: JoinReelInput) -> ArtifactRef:
    """`reel.mp4`, checked."""
    media, wishes = asked.plan.media, asked.plan.wishes
    spans = [render.clip_span(media, place.start_s, place.end_s, H264) for place in asked.places]
    whole = FrameSpan(0, sum(span.count for span in spans), spans[0].fps)

    async def make(out: Path) -> None:
        clips = [await task.local(video, stays_s=0) for video in asked.videos]
        listed = task.scratch / "clips.ffconcat"
        await asyncio.to_thread(listed.write_text, join.listing(clips, spans), "utf-8")
        joining = join.plan_join(listed, clips, spans, H264, out)
        ran = await ffmpeg.run(joining, on_progress=lambda done: task.beat(done, whole.duration_s), note=task.note)
        made = await probe(out, "mp4", Policy.of(task.resources.settings), thorough=False, note=task.note)
        render.verify(made, ran.frames, whole, canvas_of(wishes.aspect, wishes.resolution))

    return await task.make_one(task.job_scope, join.VERSION, {}, asked.videos, ".mp4", make, media_s=whole.duration_s)
