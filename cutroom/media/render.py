"""A finished clip from its source: cut, framed, captioned, loud enough, encoded. Pure plans, and what their runs say.

Two runs: `plan_loudness` measures the span's sound, `plan_clip` makes the file.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import ffmpeg

from cutroom.contracts.documents import CropKeyframe, FramedShot, Framing, Layout
from cutroom.contracts.media import Colour, MediaFacts
from cutroom.errors import ToolFailed
from cutroom.media.ffmpeg import FfmpegPlan, limits_for, open_source, plan
from cutroom.media.limits import GIB
from cutroom.media.presets import Canvas, Encoding
from cutroom.media.timeline import FrameSpan, exact, frame_at, seek_to, sounding, steady

VERSION = 1
ENCODER_ADDRESS_SPACE = 12 * GIB

_BLUR_SHRINK = 4


@dataclass(frozen=True)
class Loudness:
    """loudnorm's measurement of a span (EBU R 128): LUFS, dBTP, LU, LUFS, LU."""

    integrated: float
    true_peak: float
    range: float
    threshold: float
    offset: float


@dataclass(frozen=True)
class Still:
    """Output frames `first:last` (past the end) of a clip that show one box of the source, or all of it (`fit`)."""

    first: int
    last: int
    layout: Layout
    box: CropKeyframe | None


def clip_span(media: MediaFacts, start_s: float, end_s: float, encoding: Encoding) -> FrameSpan:
    """The clip's frames at its output rate."""
    fps = media.fps if media.fps <= encoding.most_fps else encoding.usual_fps
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
    fonts: Path,
    loudness: Loudness | None,
    canvas: Canvas,
    encoding: Encoding,
    out: Path,
) -> FfmpegPlan:
    """The clip as one graph. `captions`: an ASS file, None where nothing is said; `loudness`: None leaves the sound as it is."""
    given = open_source(source, media.container, **seek_to(span))
    picture = _framed(steady(given["V:0"], media.fps, span), media, stills(framing, span), span, canvas)
    if captions is not None:
        picture = picture.filter("ass", str(captions), fontsdir=str(fonts))
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


def verify(made: MediaFacts, frames: int, span: FrameSpan, canvas: Canvas) -> None:
    """Raises ToolFailed where a rendered file is not what was planned: better no clip than a wrong one."""
    right = (
        (made.width, made.height) == (canvas.width, canvas.height)
        and (made.video_codec, made.audio_codec) == ("h264", "aac")
        and abs(made.fps - span.fps) < 0.01
        and frames == span.count
        and abs(made.duration_s - span.duration_s) <= 2 / span.fps + 0.03  # sound ends on a codec frame
    )
    if not right:
        raise ToolFailed("The rendered clip is not as planned; it is made again.", code="render_wrong")


def stills(framing: Framing, span: FrameSpan) -> list[Still]:
    """The framing as pieces that cover the clip's frames exactly, in order; a step of the crop begins a new piece."""
    marks: list[tuple[int, FramedShot, CropKeyframe | None]] = []
    for shot in framing.shots:
        boxes: Sequence[CropKeyframe | None] = shot.keyframes if shot.layout == "crop" else [None]
        times = [shot.start_s, *(box.t_s for box in boxes[1:] if box is not None)]
        marks += [(frame_at(t_s, span.fps) - span.first, shot, box) for t_s, box in zip(times, boxes, strict=True)]
    firsts = [0, *(first for first, _, _ in marks[1:]), span.count]
    pieces = [
        Still(max(0, first), min(span.count, last), shot.layout, box)
        for (first, last), (_, shot, box) in zip(pairwise(firsts), marks, strict=True)
    ]
    return [piece for piece in pieces if piece.first < piece.last]


def _framed(video: Any, media: MediaFacts, pieces: Sequence[Still], span: FrameSpan, canvas: Canvas) -> Any:
    """Pieces of one layout and box size share a branch, where the crop steps by frame number; the branches are joined."""
    shown = video.filter("scale", media.width, media.height).filter("setsar", 1)
    sections = [
        list(group) for _, group in groupby(pieces, key=lambda piece: (piece.layout, piece.box and (piece.box.w, piece.box.h)))
    ]
    branches = shown.filter_multi_output("split", len(sections))
    looks = []
    for number, section in enumerate(sections):
        branch = (
            branches[number]
            .filter("trim", start_frame=section[0].first, end_frame=section[-1].last)
            .filter("setpts", "PTS-STARTPTS")
        )
        looks.append(_cropped(branch, section, media.colour, canvas) if section[0].box else _fitted(branch, media.colour, canvas))
    joined = ffmpeg.concat(*looks, v=1, a=0)
    return joined.filter("setsar", 1).filter("settb", str(1 / exact(span.fps))).filter("setpts", "N")


def _cropped(video: Any, section: Sequence[Still], colour: Colour, canvas: Canvas) -> Any:
    boxes = [(piece.first - section[0].first, piece.box) for piece in section if piece.box]
    _, box = boxes[0]
    x = _steps(_changes([(frame, box.x) for frame, box in boxes]))
    y = _steps(_changes([(frame, box.y) for frame, box in boxes]))
    return _scaled(video.filter("crop", box.w, box.h, x, y), colour, canvas.width, canvas.height)


def _changes(values: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The first of `(frame, value)`, and each that differs from the one before."""
    return [values[0], *(new for old, new in pairwise(values) if new[1] != old[1])]


def _steps(values: Sequence[tuple[int, int]]) -> str:
    """An expression of the frame number `n` that stands still between steps.

    A balanced tree, since ffmpeg refuses expressions that are nested about a hundred deep.
    """
    if len(values) == 1:
        return str(values[0][1])
    middle = len(values) // 2
    return f"if(lt(n,{values[middle][0]}),{_steps(values[:middle])},{_steps(values[middle:])})"


def _fitted(video: Any, colour: Colour, canvas: Canvas) -> Any:
    """The whole picture over a blurred, enlarged copy of itself."""
    branches = video.split()
    width, height = canvas.width // _BLUR_SHRINK, canvas.height // _BLUR_SHRINK
    fill = branches[0].filter("scale", width, height, force_original_aspect_ratio="increase", flags="fast_bilinear")
    fill = fill.filter("crop", width, height).filter("gblur", sigma=12)
    whole = {"force_original_aspect_ratio": "decrease", "force_divisible_by": 2}
    picture = _scaled(branches[1], colour, canvas.width, canvas.height, **whole)
    return _scaled(fill, colour, canvas.width, canvas.height).overlay(picture, x="(W-w)/2", y="(H-h)/2", format="yuv420")


def _scaled(video: Any, colour: Colour, width: int, height: int, **options: Any) -> Any:
    """To size, and to the BT.709 limited range that the file says it is; HDR is tone-mapped first."""
    if colour in ("hlg", "pq"):
        video = video.filter("zscale", transfer="linear", npl=100).filter("format", "gbrpf32le").filter("zscale", primaries="bt709")
        video = video.filter("tonemap", "hable", desat=0).filter("zscale", transfer="bt709", matrix="bt709", range="limited")
    matrix = "bt709" if colour in ("hlg", "pq") else colour
    scaled = video.filter("scale", width, height, in_color_matrix=matrix, out_color_matrix="bt709", out_range="tv", **options)
    return scaled.filter("format", "yuv420p").filter("setsar", 1)


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
