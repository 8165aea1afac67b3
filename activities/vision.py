"""What the pictures show: likely cuts, and where the crop of each shot stands. Only processes with the models import this."""

import asyncio
from contextlib import aclosing
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from activities.base import Task, implements
from cutroom.contracts.base import ArtifactRef
from cutroom.contracts.campaign import (
    DETECT_SHOTS_CHUNK,
    REFRAME_CLIP,
    ReframeInput,
    ShotsInput,
)
from cutroom.contracts.documents import Shots, ShotScores, Transcript
from cutroom.contracts.media import PreparedMedia, Span
from cutroom.errors import ToolFailed
from cutroom.media import ffmpeg, framing, prepare
from cutroom.media.proxy import watch
from cutroom.speech.sound import kept_loudness, loudness_of, read_samples
from cutroom.store.artifacts import Scope
from cutroom.vision import faces, looks, shots, transnet
from cutroom.vision.speaking import Voice

AROUND_S = 1.0  # looked at and listened to on either side of a clip, for shots of which it holds a sliver


@implements(DETECT_SHOTS_CHUNK)
async def detect_shots_chunk(task: Task, asked: ShotsInput) -> ArtifactRef:
    """Scores of a chunk of frames. It belongs to the asset, so a second campaign on the same recording finds it done."""
    prepared, wanted = asked.prepared, (asked.first_frame, asked.last_frame)

    async def make(path: Path) -> None:
        needed = transnet.frames_needed(*wanted, prepared.frame_count)
        local = await task.local(prepared.frames)
        frames = await _small_frames(
            task, prepare.plan_raw_frames(local, prepared.frame_rate, needed.start, needed.stop), len(needed)
        )
        windows = transnet.score(frames, *wanted, prepared.frame_count)
        parts: list[ShotScores] = []
        while part := await asyncio.to_thread(next, windows, None):
            parts.append(part)
            task.beat(part.first_frame + len(part.single) - wanted[0], wanted[1] - wanted[0])
        await asyncio.to_thread(path.write_text, shots.join_scores(parts, *wanted).model_dump_json())

    scope = Scope(asked.plan.job.org_id, asset_id=asked.plan.asset_id)
    media_s = (wanted[1] - wanted[0]) / prepared.frame_rate
    params = {"engine": asked.plan.shots_engine, "frames": wanted, "of": prepared.frame_count}
    return await task.make_one(scope, transnet.VERSION, params, [prepared.frames], ".json", make, media_s=media_s)


@implements(REFRAME_CLIP)
async def reframe_clip(task: Task, asked: ReframeInput) -> ArtifactRef:
    """The crop of each shot of a clip, from the faces that the proxy shows in its span."""
    clip, plan = asked.clip, asked.clip.plan

    async def make(path: Path) -> None:
        found, said = await task.read(clip.shots, Shots), await task.read(clip.transcript, Transcript)
        span = Span(start_s=clip.place.start_s, end_s=clip.place.end_s)
        around = Span(start_s=max(0.0, span.start_s - AROUND_S), end_s=span.end_s + AROUND_S)
        detector = await asyncio.to_thread(faces.load_detector, plan.faces_engine, task.resources.settings)
        proxy, fps = await task.local(clip.prepared.proxy), clip.prepared.proxy_fps
        seen = await watch(proxy, fps, plan.media, found, around, detector, on_look=task.beat, note=task.note)
        voice = await _voice(task, clip.prepared, around)
        framed = await asyncio.to_thread(
            framing.plan_framing, plan.media, found, span, seen, plan.wishes.aspect, voice, said.sentences
        )
        await asyncio.to_thread(path.write_text, framed.model_dump_json())

    params = {
        "engine": plan.faces_engine,
        "detector": [faces.VERSION, looks.VERSION],
        "span": [clip.place.start_s, clip.place.end_s],
        "aspect": plan.wishes.aspect,
    }
    sound = [clip.prepared.sound] if clip.prepared.sound else []
    inputs, media_s = [clip.prepared.proxy, clip.shots, clip.transcript, *sound], clip.place.end_s - clip.place.start_s
    return await task.make_one(task.job_scope, framing.VERSION, params, inputs, ".json", make, media_s=media_s)


async def _voice(task: Task, prepared: PreparedMedia, span: Span) -> Voice | None:
    """The sound's envelope in the span; None of a recording without sound."""
    if prepared.loudness is not None:
        kept = await task.local(prepared.loudness)
        return Voice.of(await asyncio.to_thread(kept_loudness, kept, span.start_s, span.end_s), span.start_s)
    if prepared.sound is not None:  # prepared by 0.4.0
        sound = await task.local(prepared.sound)
        return Voice.of(loudness_of(await asyncio.to_thread(read_samples, sound, span.start_s, span.end_s)), span.start_s)
    return None


async def _small_frames(task: Task, plan: ffmpeg.FfmpegPlan, count: int) -> NDArray[np.uint8]:
    """Prepared frames, RGB, shape (count, 27, 48, 3), which never touch the disk."""
    shape = (count, prepare.FRAME_HEIGHT, prepare.FRAME_WIDTH, 3)
    async with aclosing(ffmpeg.pieces(plan, prod(shape), note=task.note)) as pieces:
        raw = b"".join([piece async for piece in pieces])
    if len(raw) != prod(shape):
        raise ToolFailed("A prepared file has not as many pictures as it should.", code="pictures_missing")
    return np.frombuffer(raw, np.uint8).reshape(shape)
