"""What an uploaded video is: read in a limited child process, decided here by pure functions.

`probe` runs `examine.py` and gives its findings to `decide`, which refuses what is over the limits or makes MediaFacts.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from cutroom.contracts.media import Colour, MediaFacts
from cutroom.errors import BadInput
from cutroom.media import examine
from cutroom.media.child import child
from cutroom.media.ffmpeg import AUDIO_CODECS, DEMUXERS, VIDEO_CODECS
from cutroom.media.limits import Limits
from cutroom.media.sniff import Container
from cutroom.settings import Settings

PROBE_LIMITS = Limits(cpu_s=30, file_size=0)
PROBE_WALL_S = 45.0
BEGIN_APART_S = 0.5
END_APART_S = 1.0

_STANDARD_RATES = (
    *(Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120, 240)),
    *map(Fraction, (10, 12, 15, 24, 25, 30, 48, 50, 60, 100, 120, 200, 240)),
)
_MATRIX: dict[int, Colour] = {1: "bt709", 5: "bt601", 6: "bt601", 9: "bt2020", 10: "bt2020"}  # ITU-T H.273, matrix coefficients
_TRANSFER: dict[int, Colour] = {16: "pq", 18: "hlg"}  # ITU-T H.273, transfer characteristics


@dataclass(frozen=True)
class Policy:
    """The most that a source may have."""

    source_s: float
    side_px: int
    fps: float
    streams: int

    @classmethod
    def of(cls, settings: Settings) -> "Policy":
        return cls(settings.max_source_s, settings.max_side_px, settings.max_fps, settings.max_streams)


async def probe(
    path: Path, container: Container, policy: Policy, *, thorough: bool = True, note: Callable[[str], None] | None = None
) -> MediaFacts:
    """Where not `thorough`, nobody is warned of a picture that never changes, which takes decoding to find.

    Raises BadInput: truncated_media, media_damaged, no_video_stream, codec_unsupported, too_many_streams,
    source_too_long, source_too_large_picture, frame_rate_too_high.
    """
    command = [sys.executable, "-I", str(Path(examine.__file__)), str(path), DEMUXERS[container], "thorough" if thorough else ""]
    async with child(command, PROBE_LIMITS) as process:
        try:
            out, said = await asyncio.wait_for(process.communicate(), PROBE_WALL_S)
        except TimeoutError:
            raise _damaged() from None
    if note is not None and said:
        note(said.decode(errors="replace")[-4000:])
    if process.returncode != 0:
        raise _damaged()
    return decide(json.loads(out), container, policy)


def decide(found: dict[str, Any], container: Container, policy: Policy) -> MediaFacts:
    """Facts from the findings of `examine`, or the reason why this file is refused."""
    if not found["whole"]:
        raise BadInput("The file is cut off before its end; upload it again, whole.", code="truncated_media")
    video, streams = found["video"], found["streams"]
    if len(streams) > policy.streams:
        raise BadInput(f"The file holds {len(streams)} streams; at most {policy.streams} are accepted.", code="too_many_streams")
    if video is None:
        raise BadInput("The file has sound but no picture; a video is needed.", code="no_video_stream")
    sounds = [stream["codec"] for stream in streams if stream["type"] == "audio"]
    if video["codec"] not in VIDEO_CODECS or (sounds and sounds[0] not in AUDIO_CODECS):
        raise BadInput("Its video or sound codec is not supported; export it as H.264 with AAC.", code="codec_unsupported")
    if found["duration_s"] > policy.source_s:
        raise BadInput(f"The video is longer than {policy.source_s / 3600:g} hours; cut it into parts.", code="source_too_long")
    if max(video["width"], video["height"]) > policy.side_px:
        raise BadInput(
            f"The picture is larger than {policy.side_px} pixels on a side; export it smaller.", code="source_too_large_picture"
        )
    if not video["decodes"] or found["duration_s"] <= 0:
        raise _damaged()
    if not video["tail_decodes"]:
        raise BadInput("The end of the video cannot be decoded; upload it again, whole.", code="truncated_media")
    fps, variable = frame_rate(video["times"], video["average_rate"])
    if fps > policy.fps:
        raise BadInput(f"The video has more than {policy.fps:g} frames a second; export it with fewer.", code="frame_rate_too_high")
    width, height = _shown_size(video)
    return MediaFacts(
        container=container,
        duration_s=found["duration_s"],
        width=width,
        height=height,
        fps=float(fps),
        video_codec=video["codec"],
        has_audio=bool(sounds),
        audio_codec=sounds[0] if sounds else "",
        rotation=_clockwise(video),
        variable_rate=variable,
        embedded_subtitles=any(stream["type"] == "subtitle" for stream in streams),
        colour=_colour(video),
        interlaced=video["interlaced"],
        warnings=list(_warnings(found["extents"], video["still"])),
    )


def _warnings(extents: list[list[float]], still: bool) -> Iterator[str]:
    """What the owner should look at before paying; `extents`: begin and end of the picture, and of the sound where there is one."""
    if len(extents) == 1:
        yield "The video has no sound: its clips will have none, and no captions."
    else:
        (begins, ends), (sound_begins, sound_ends) = extents
        late, longer = sound_begins - begins, sound_ends - ends
        if abs(late) >= BEGIN_APART_S:
            which = "after" if late > 0 else "before"
            yield f"The sound begins {abs(late):.1f} s {which} the picture: check that they are in step."
        if abs(longer) >= END_APART_S:
            which = "after" if longer > 0 else "before"
            yield f"The sound ends {abs(longer):.1f} s {which} the picture: check that they are in step."
    if still:
        yield "The picture never changes: every clip will show this one still."


def frame_rate(samples: list[list[float]], average: float) -> tuple[Fraction, bool]:
    """Nominal rate of samples of sorted frame times, and whether it varies: a step differs from the usual one by over a quarter.

    The usual step is the median one; a rate within 0.5% of a standard one is that one, for times are often rounded to
    milliseconds.
    """
    steps = [after - before for times in samples for before, after in pairwise(times) if after > before]
    if not steps:
        return _standard(average or 25.0), False
    usual = median(steps)
    variable = any(abs(step - usual) > usual / 4 for step in steps)
    return _standard(1 / usual if variable else len(steps) / sum(steps)), variable


def _standard(rate: float) -> Fraction:
    nearest = min(_STANDARD_RATES, key=lambda standard: abs(float(standard) - rate))
    # 24000/1001 and 24 are 0.1% apart: the nearest wins, and rounded medians are told apart well enough by it.
    return nearest if abs(float(nearest) - rate) < 0.005 * rate else Fraction(max(1.0, rate)).limit_denominator(1001)


def _damaged() -> BadInput:
    return BadInput("The file is damaged and cannot be read; export it again.", code="media_damaged")


def _clockwise(video: dict[str, Any]) -> int:
    """PyAV counts counter-clockwise."""
    return int(round(-video["rotation"]) % 360)


def _shown_size(video: dict[str, Any]) -> tuple[int, int]:
    """Pixel aspect widens or narrows the stored picture; then it is turned."""
    aspect = video["pixel_aspect"] if 0.25 <= video["pixel_aspect"] <= 4 else 1.0
    width, height = round(video["width"] * aspect), video["height"]
    return (height, width) if _clockwise(video) in (90, 270) else (width, height)


def _colour(video: dict[str, Any]) -> Colour:
    """What players take untagged pictures for: HD for BT.709, smaller ones for BT.601."""
    untagged: Colour = "bt709" if min(video["width"], video["height"]) >= 720 else "bt601"
    return _TRANSFER.get(video["transfer"]) or _MATRIX.get(video["matrix"], untagged)
