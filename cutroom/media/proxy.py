"""Pictures of the prepared proxy as bytes. Pure plan."""

from dataclasses import replace
from pathlib import Path

from cutroom.contracts.media import MediaFacts
from cutroom.media.ffmpeg import FfmpegPlan, limits_for, open_source, plan
from cutroom.media.prepare import proxy_size
from cutroom.media.timeline import FrameSpan, seek_to, steady


def plan_raw_proxy(proxy: Path, raw: Path, media: MediaFacts, span: FrameSpan) -> FfmpegPlan:
    """Exactly the proxy's frames of `span` (which counts at the proxy's rate) as RGB bytes, `proxy_size` each."""
    width, height = proxy_size(media)
    given = open_source(proxy, "mp4", **seek_to(span))
    picture = steady(given["v:0"], span.fps, span).filter("scale", width, height)
    output = picture.output(str(raw), f="rawvideo", pix_fmt="rgb24", fps_mode="passthrough")
    limits = replace(limits_for(span.duration_s), file_size=span.count * width * height * 3)
    return plan(output, duration_s=span.duration_s, limits=limits)
