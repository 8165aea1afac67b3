"""One decode of a source for all readers: sound for speech, small frames for shots, a low-rate proxy for faces; or the sound alone,
where only words are wanted. Pure plans.

All are in player time, see `timeline`.
"""

from math import ceil
from pathlib import Path
from typing import Any

from cutroom.contracts.media import MediaFacts
from cutroom.media.ffmpeg import FfmpegPlan, limits_for, open_source, open_video, plan
from cutroom.media.timeline import FrameSpan, exact, seek_to, slower, sounding, steady

VERSION = 4
SAMPLE_RATE = 16000
FRAME_WIDTH, FRAME_HEIGHT = 48, 27
MOST_FRAMES = 60.0
PROXY_FPS = 5.0
PROXY_WIDTH, PROXY_HEIGHT = 640, 1138
KEY_EVERY = 250  # pictures: what a reader decodes in vain at most

_PROXY: dict[str, Any] = {"q:v": 7, "mbd": "bits"}
_CLEAN: dict[str, Any] = {"map_metadata": -1, "fflags": "+bitexact", "threads": 1}


def plan_prepare(source: Path, media: MediaFacts, *, frames: Path, proxy: Path, sound: Path | None) -> FfmpegPlan:
    """`frames`: lossless H.264 in Matroska; `proxy`: MPEG-4 in MP4; `sound`: FLAC, None for a source without."""
    # Deblocking is a fifth of the decode, and changes no small picture by as much as the next line does.
    given = open_video(source, media, skip_loop_filter="all")
    pictures = steady(given["V:0"], media.fps).split()
    fast = pictures[0] if frame_rate(media) == media.fps else slower(pictures[0], frame_rate(media))
    # Averaged to packed RGB: the shot network marks the same frames as with the bicubic of its own reader, which costs more.
    # fast_bilinear skips most pixels, and straight to planar the colours are others.
    small = fast.filter("scale", FRAME_WIDTH, FRAME_HEIGHT, flags="area").filter("format", "rgb24")
    # Kept as luma and colour differences of full range: a little over half the bytes of RGB, at most two levels beside it.
    small = small.filter("scale", out_range="pc", out_color_matrix="bt709").filter("format", "yuvj444p")
    width, height = proxy_size(media)
    slow = slower(pictures[1], PROXY_FPS)
    faces = slow.filter("scale", width, height, flags="fast_bilinear").filter("setsar", 1).filter("format", "yuv420p")
    outputs = [
        # Most of a recording stands still: beside FFV1 this is half the bytes and half the work. Nothing is lost.
        small.output(str(frames), f="matroska", vcodec="libx264", preset="ultrafast", qp=0, g=KEY_EVERY, **_CLEAN),
        # Looked at by a detector, a few times: a third of the bytes of x264 at its fastest, and less work at either end.
        faces.output(str(proxy), f="mp4", vcodec="mpeg4", **_PROXY, g=KEY_EVERY, movflags="+faststart", **_CLEAN),
    ]
    if sound is not None:
        outputs.append(_mono(given, sound))
    return plan(*outputs, duration_s=media.duration_s, limits=limits_for(media.duration_s))


def plan_sound(source: Path, media: MediaFacts, sound: Path) -> FfmpegPlan:
    """The same `sound`, of a source that has one, without decoding its pictures."""
    given = open_source(source, media.container)
    return plan(_mono(given, sound), duration_s=media.duration_s, limits=limits_for(media.duration_s))


def _mono(given: Any, sound: Path) -> Any:
    mono = sounding(given["a:0"], SAMPLE_RATE).filter("aformat", sample_fmts="s16", channel_layouts="mono")
    return mono.output(str(sound), f="flac", acodec="flac", compression_level=8, **_CLEAN)


def frame_rate(media: MediaFacts) -> float:
    """Small frames a second: the source's own, of a source over MOST_FRAMES every second one, every third one and so on."""
    return media.fps / ceil(media.fps / MOST_FRAMES)


def proxy_size(media: MediaFacts) -> tuple[int, int]:
    """At most PROXY_WIDTH wide and PROXY_HEIGHT high, both sides even."""
    scale = min(1.0, PROXY_WIDTH / media.width, PROXY_HEIGHT / media.height)
    return max(2, round(media.width * scale / 2) * 2), max(2, round(media.height * scale / 2) * 2)


def plan_raw_frames(frames: Path, fps: float, first_frame: int, last_frame: int) -> FfmpegPlan:
    """Frames `first_frame:last_frame` of the prepared frames as RGB bytes, FRAME_HEIGHT x FRAME_WIDTH x 3 each, for `pieces`."""
    span = FrameSpan(first_frame, last_frame, fps)
    given = open_source(frames, "mkv", **seek_to(span))
    picture = given["v:0"].filter("setpts", f"PTS+{int(span.start_s)}/TB")
    half = 0.5 / exact(fps)
    cut = picture.filter("trim", start=float(first_frame / exact(fps) - half), end=float(last_frame / exact(fps) - half))
    output = cut.output("pipe:1", f="rawvideo", pix_fmt="rgb24", fps_mode="passthrough")
    return plan(output, duration_s=span.duration_s, limits=limits_for(span.duration_s), progress=False)
