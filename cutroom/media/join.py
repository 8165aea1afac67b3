"""Finished clips become one file. Pure plan: pictures are copied as they are encoded, sound is encoded anew.

All clips have one encoder, size and rate, so their pictures can follow each other as they are. AAC cannot: each clip's begins
with a frame that only warms the decoder up and ends in a padded one, and copies would drift from the picture clip by clip.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ffmpeg

from cutroom.media.ffmpeg import FfmpegPlan, limits_for, open_source, plan
from cutroom.media.presets import Encoding
from cutroom.media.timeline import FrameSpan, sounding

VERSION = 1


def listing(clips: Sequence[Path], spans: Sequence[FrameSpan]) -> str:
    """What the concat demuxer reads: of each clip the first track, its picture, and how long that is shown.

    https://ffmpeg.org/ffmpeg-formats.html#concat
    """
    lines = ["ffconcat version 1.0", "stream", "exact_stream_id 0x1"]  # sound begins before zero, and would move the picture
    for clip, span in zip(clips, spans, strict=True):
        escaped = str(clip).replace("'", r"'\''")
        lines += [f"file '{escaped}'", f"duration {span.duration_s:.6f}"]
    return "\n".join(lines) + "\n"


def plan_join(listed: Path, clips: Sequence[Path], spans: Sequence[FrameSpan], encoding: Encoding, out: Path) -> FfmpegPlan:
    """`listed`: the file with the `listing` of the same clips, each of which shows the frames of its span."""
    duration_s = sum(span.duration_s for span in spans)
    picture = ffmpeg.input(str(listed), f="concat", safe=0, protocol_whitelist="file,pipe")
    sounds = [_sound(clip, span, encoding) for clip, span in zip(clips, spans, strict=True)]
    output = ffmpeg.output(
        picture["v:0"],
        ffmpeg.concat(*sounds, v=0, a=1),
        str(out),
        f="mp4",
        vcodec="copy",
        **encoding.audio,
        ar=encoding.sample_rate,
        movflags="+faststart",
        map_metadata=-1,
        map_chapters=-1,
        fflags="+bitexact",
    )
    return plan(output, duration_s=duration_s, limits=limits_for(duration_s))


def _sound(clip: Path, span: FrameSpan, encoding: Encoding) -> Any:
    """As long as the clip's picture, to the sample."""
    given = open_source(clip, "mp4")
    return sounding(given["a:0"], encoding.sample_rate, FrameSpan(0, span.count, span.fps))
