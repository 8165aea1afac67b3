"""The faces that the prepared proxy shows, looked at as its pictures are decoded: none of them touches the disk."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import numpy as np

from cutroom.contracts.documents import Shots
from cutroom.contracts.media import MediaFacts, Span
from cutroom.media.ffmpeg import FfmpegPlan, limits_for, open_source, pieces, plan
from cutroom.media.prepare import proxy_size
from cutroom.media.timeline import FrameSpan, exact, frame_at, seek_to, steady
from cutroom.vision.faces import FaceDetector
from cutroom.vision.looks import Look, Watcher


def plan_raw_proxy(proxy: Path, media: MediaFacts, span: FrameSpan) -> FfmpegPlan:
    """Exactly the proxy's frames of `span` (which counts at the proxy's rate) as RGB bytes, `proxy_size` each, for `pieces`."""
    width, height = proxy_size(media)
    given = open_source(proxy, "mp4", **seek_to(span))
    picture = steady(given["v:0"], span.fps, span).filter("scale", width, height)
    output = picture.output("pipe:1", f="rawvideo", pix_fmt="rgb24", fps_mode="passthrough")
    return plan(output, duration_s=span.duration_s, limits=limits_for(span.duration_s), progress=False)


async def watch(
    proxy: Path,
    fps: float,
    media: MediaFacts,
    shots: Shots,
    span: Span,
    detector: FaceDetector,
    *,
    on_look: Callable[[int, int], None] | None = None,
    note: Callable[[str], None] | None = None,
) -> list[Look]:
    """A look into each picture of the span, faces in source pixels; `on_look(done, total)`. Raises as `ffmpeg.pieces` does."""
    frames = FrameSpan.of(max(0.0, span.start_s), min(span.end_s, media.duration_s), fps)
    # A picture of the proxy is the frame shown at its time: the first one of a shot is not before its cut.
    opening = {frame_at(float(frame / exact(shots.fps)), fps) for frame in shots.cuts}
    width, height = proxy_size(media)
    watcher = Watcher(detector)
    looks: list[Look] = []
    async with aclosing(pieces(plan_raw_proxy(proxy, media, frames), width * height * 3, note=note)) as pictures:
        async for raw in pictures:
            number = frames.first + len(looks)
            picture = np.frombuffer(raw, np.uint8).reshape(height, width, 3)
            look = await asyncio.to_thread(watcher.look, float(number / exact(fps)), picture, number in opening)
            looks.append(look.scaled(media.width / width, media.height / height))
            if on_look is not None:
                on_look(len(looks), frames.count)
    return looks
