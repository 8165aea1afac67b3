"""A finished clip from its source: cut, framed, captioned, loud enough, encoded. Pure plans, and what their runs say.

Two runs: `plan_loudness` measures the span's sound, `plan_clip` makes the file.
"""

import json
import re
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import ffmpeg

from cutroom.contracts.documents import Framing
from cutroom.contracts.media import MediaFacts
from cutroom.errors import ToolFailed
from cutroom.media.ffmpeg import FfmpegPlan, limits_for, open_source, open_video, plan
from cutroom.media.fields import deinterlaced
from cutroom.media.layouts import draw
from cutroom.media.limits import GIB
from cutroom.media.presets import Canvas, Encoding
from cutroom.media.sections import sections
from cutroom.media.timeline import FrameSpan, exact, seek_to, sounding, steady

VERSION = 3
ENCODER_ADDRESS_SPACE = 12 * GIB


@dataclass(frozen=True)
class Loudness:
    """loudnorm's measurement of a span (EBU R 128): LUFS, dBTP, LU, LUFS, LU."""

    integrated: float
    true_peak: float
    range: float
    threshold: float
    offset: float


def clip_span(media: MediaFacts, start_s: float, end_s: float, encoding: Encoding) -> FrameSpan:
    """The clip's frames at its output rate: the source's own, or the half, a third ... of it where that is too high."""
    fps = float(exact(media.fps) / ceil(media.fps / encoding.most_fps))
    return FrameSpan.of(start_s, min(end_s, media.duration_s), fps)


def plan_loudness(source: Path, media: MediaFacts, span: FrameSpan, encoding: Encoding) -> FfmpegPlan:
    """Prints loudnorm's JSON, for `read_loudness`."""
    given = open_source(source, media.container, **seek_to(span))
    measured = _stereo(given, span, encoding).filter("loudnorm", **_targets(encoding), print_format="json")
    output = measured.output("-", f="null")
    return plan(output, duration_s=span.duration_s, limits=limits_for(span.duration_s), loglevel="info")


def read_loudness(said: str, encoding: Encoding) -> Loudness | None:
    """None for silence, which needs no change. Raises ToolFailed where nothing was measured."""
    found = re.findall(r"\{[^{}]*\"input_i\"[^{}]*\}", said)
    if not found:
        raise ToolFailed("The clip's loudness could not be measured; the log has what ffmpeg said.", code="loudness_unknown")
    values = {key: float(value) for key, value in json.loads(found[-1]).items() if key != "normalization_type"}
    if not values["input_i"] > encoding.silence:
        return None
    return Loudness(values["input_i"], values["input_tp"], values["input_lra"], values["input_thresh"], values["target_offset"])


def plan_clip(
    source: Path,
    media: MediaFacts,
    framing: Framing,
    span: FrameSpan,
    *,
    captions: Path | None,
    mark: Path | None = None,
    fonts: Path,
    loudness: Loudness | None,
    canvas: Canvas,
    encoding: Encoding,
    out: Path,
) -> FfmpegPlan:
    """The clip as one graph. `captions`: an ASS file, None where nothing is said; `mark`: another one, where the clip is marked;
    `loudness`: None leaves the sound as it is.
    """
    given = open_video(source, media, **seek_to(span))
    picture = _picture(given, media, framing, span, canvas)
    for script in filter(None, (captions, mark)):
        picture = picture.filter("ass", str(script), fontsdir=str(fonts))
    sound = _loud(_stereo(given, span, encoding), loudness, encoding) if media.has_audio else _silence(span, encoding)
    output = ffmpeg.output(
        picture.filter("setparams", range="tv", color_primaries="bt709", color_trc="bt709", colorspace="bt709"),
        _faded(sound, span, encoding),
        str(out),
        f="mp4",
        **encoding.video,
        g=round(encoding.keyframe_s * span.fps),
        fps_mode="passthrough",
        **encoding.audio,
        ar=encoding.sample_rate,
        movflags="+faststart",
        map_metadata=-1,
        map_chapters=-1,
        fflags="+bitexact",
    )
    return plan(output, duration_s=span.duration_s, limits=limits_for(span.duration_s, address_space=ENCODER_ADDRESS_SPACE))


def planned(span: FrameSpan, canvas: Canvas) -> MediaFacts:
    """What a rendered file is."""
    return MediaFacts(
        container="mp4",
        duration_s=span.duration_s,
        width=canvas.width,
        height=canvas.height,
        fps=span.fps,
        video_codec="h264",
        has_audio=True,
        audio_codec="aac",
    )


def verify(made: MediaFacts, frames: int, span: FrameSpan, canvas: Canvas) -> None:
    """Raises ToolFailed where a rendered file is not what was planned: better no clip than a wrong one."""
    wanted = planned(span, canvas)
    right = (
        (made.width, made.height) == (wanted.width, wanted.height)
        and (made.video_codec, made.audio_codec) == (wanted.video_codec, wanted.audio_codec)
        and abs(made.fps - span.fps) < 0.01
        and frames == span.count
        and abs(made.duration_s - span.duration_s) <= 2 / span.fps + 0.03  # sound ends on a codec frame
    )
    if not right:
        raise ToolFailed("The rendered clip is not as planned; it is made again.", code="render_wrong")


def _picture(given: Any, media: MediaFacts, framing: Framing, span: FrameSpan, canvas: Canvas) -> Any:
    """Each section of the framing drawn by its own chain, then joined: frame n at n / fps."""
    # Before frames are repeated to a steady rate: where three are the same, no motion is found.
    whole = deinterlaced(given["V:0"], media)
    shown = steady(whole, media.fps, span).filter("scale", media.width, media.height).filter("setsar", 1)
    parts, size = sections(framing, span), (media.width, media.height)
    if len(parts) == 1:
        return draw(shown, parts[0], size, media.colour, canvas)
    branches = shown.filter_multi_output("split", len(parts))
    looks = []
    for number, part in enumerate(parts):
        cut = branches[number].filter("trim", start_frame=part.first, end_frame=part.last).filter("setpts", "PTS-STARTPTS")
        looks.append(draw(cut, part, size, media.colour, canvas))
    return ffmpeg.concat(*looks, v=1, a=0).filter("settb", str(1 / exact(span.fps))).filter("setpts", "N")


def _stereo(given: Any, span: FrameSpan, encoding: Encoding) -> Any:
    """5.1 and the like are mixed down, mono is doubled."""
    return sounding(given["a:0"], encoding.sample_rate, span).filter("aformat", sample_fmts="fltp", channel_layouts="stereo")


def _silence(span: FrameSpan, encoding: Encoding) -> Any:
    """Platforms refuse files without a sound track."""
    quiet = ffmpeg.input(f"anullsrc=r={encoding.sample_rate}:cl=stereo", f="lavfi")
    return quiet["a:0"].filter("atrim", end=f"{span.duration_s:.6f}")


def _targets(encoding: Encoding) -> dict[str, float]:
    return {"i": encoding.loudness, "tp": encoding.true_peak, "lra": 11}


def _loud(sound: Any, loudness: Loudness | None, encoding: Encoding) -> Any:
    """loudnorm works at 192 kHz; back to the clip's rate."""
    if loudness is None:
        return sound
    measured = {
        "measured_i": loudness.integrated,
        "measured_tp": loudness.true_peak,
        "measured_lra": loudness.range,
        "measured_thresh": loudness.threshold,
        "offset": loudness.offset,
    }
    return sound.filter("loudnorm", **_targets(encoding), **measured).filter("aresample", encoding.sample_rate)


def _faded(sound: Any, span: FrameSpan, encoding: Encoding) -> Any:
    """A cut in the middle of a wave clicks."""
    begin = sound.filter("afade", type="in", duration=encoding.fade_s)
    return begin.filter("afade", type="out", start_time=f"{span.duration_s - encoding.fade_s:.6f}", duration=encoding.fade_s)
