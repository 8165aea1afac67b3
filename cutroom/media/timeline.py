"""Player time: second zero is where a player starts, and frame n is what it shows at n / fps seconds.

Every reader of a source builds its graph on `steady` and `sounding`, so that frame n means the same picture everywhere,
whatever the source's own clock does: edit lists, late streams, variable rates, times rounded to milliseconds.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, lcm
from typing import Any


def exact(fps: float) -> Fraction:
    """29.97 as 30000/1001."""
    return Fraction(fps).limit_denominator(1001)


def frame_at(time_s: float, fps: float) -> int:
    """The first frame not before this moment; a hundredth of a frame is forgiven, for times went through floats."""
    return max(0, ceil(time_s * exact(fps) - 0.01))


@dataclass(frozen=True)
class FrameSpan:
    """Frames `first:last` (past the end) at a constant rate."""

    first: int
    last: int
    fps: float

    @classmethod
    def of(cls, start_s: float, end_s: float, fps: float) -> "FrameSpan":
        first = frame_at(start_s, fps)
        return cls(first, max(first + 1, frame_at(end_s, fps)), fps)

    @property
    def count(self) -> int:
        return self.last - self.first

    @property
    def start_s(self) -> float:
        return float(self.first / exact(self.fps))

    @property
    def end_s(self) -> float:
        return float(self.last / exact(self.fps))

    @property
    def duration_s(self) -> float:
        return float(self.count / exact(self.fps))


def seek_to(span: FrameSpan) -> dict[str, Any]:
    """Input options to start reading before `span`. Whole seconds, which every container's clock can hold, and from the
    key frame before, so that `steady` knows what was shown when the span began.
    """
    return {"ss": int(span.start_s), "noaccurate_seek": None}


def steady(video: Any, fps: float, span: FrameSpan | None = None) -> Any:
    """The picture at a constant rate, frame n at n / fps; of a `span`, from an input opened with `seek_to`, from zero on.

    Before its first picture the source shows that one; past its last one a span goes on showing the last.
    """
    if span is None:
        return video.filter("fps", fps=str(exact(fps)), start_time=0)
    origin_s = _origin_s(fps, span)
    moved = video.filter("setpts", f"PTS+{int(span.start_s) - origin_s}/TB")
    # The last picture goes on before the grid is laid: it may lie before the grid's beginning.
    grid = steady(moved.filter("tpad", stop_mode="clone", stop=-1), fps)
    if span.fps != fps:
        grid = slower(grid, span.fps)
    skipped = int(origin_s * exact(span.fps))
    cut = grid.filter("trim", start_frame=span.first - skipped, end_frame=span.last - skipped)
    return cut.filter("setpts", "PTS-STARTPTS")


def _origin_s(fps: float, span: FrameSpan) -> int:
    """The last whole second before the span at which a frame of both rates stands exactly: counting from there keeps the
    very grid of the whole source (one second in 1001 at 29.97) without going through all that lies before.
    """
    period_s = lcm(exact(fps).denominator, exact(span.fps).denominator)
    return int(span.start_s) // period_s * period_s


def slower(video: Any, fps: float) -> Any:
    """A steady picture at a lower rate: at each moment the frame that was being shown, not the nearest one."""
    return video.filter("fps", fps=str(exact(fps)), start_time=0, round="up")


def sounding(audio: Any, sample_rate: int, span: FrameSpan | None = None) -> Any:
    """The sound from second zero (of the span), silence where the source has none."""
    if span is None:
        return audio.filter("aresample", sample_rate, **{"async": 1, "first_pts": 0})
    offset = int(span.start_s) - span.start_s
    moved = audio.filter("asetpts", f"PTS+({offset:.6f})/TB").filter("atrim", start=0, duration=f"{span.duration_s:.6f}")
    filled = moved.filter("aresample", sample_rate, **{"async": 1, "first_pts": 0})
    return filled.filter("apad", whole_dur=f"{span.duration_s:.6f}").filter("atrim", end=f"{span.duration_s:.6f}")
