"""Boxes of a picture that stand, step or glide, as ffmpeg's `crop` with expressions of the frame number `n`. Pure."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from cutroom.contracts.media import Colour
from cutroom.media.colour import to_bt709
from cutroom.media.sections import Path

STRAIGHT_WITHIN = 0.25  # source pixels: a key this close to the line between its neighbours tells nothing

Key = tuple[float, float]


def box(video: Any, path: Path, first: int) -> Any:
    """What the path shows, in source pixels, stepping from key to key; frame 0 of `video` is output frame `first`."""
    x, y = (_by_frame([(frame, f"{value:g}") for frame, value in _steps(_axis(path, axis, first))]) for axis in (0, 1))
    return video.filter("crop", path.w, path.h, x, y)


def glide(video: Any, path: Path, first: int, colour: Colour, width: int, height: int) -> Any:
    """What the path shows at this size, going in straight lines from key to key.

    The strip that the box goes through is enlarged first and cut then, in whole pixels of the clip: cut in the source's own
    larger pixels, a slow move would judder.
    """
    corners, strip, sizes = [], [], []
    for axis, side, drawn in ((0, path.w, width), (1, path.h, height)):
        keys = _corners(_axis(path, axis, first))
        least, most = min(value for _, value in keys), max(value for _, value in keys)
        scale = drawn / side
        corners.append(_by_frame(_lines([(frame, (value - least) * scale) for frame, value in keys])))
        strip.append((round(most - least) + side, round(least)))
        sizes.append(round((most - least) * scale) + drawn)
    (strip_w, left), (strip_h, top) = strip
    enlarged = to_bt709(video.filter("crop", strip_w, strip_h, left, top), colour, *sizes)
    return enlarged.filter("crop", width, height, *(f"round({corner})" for corner in corners), exact=1)


def _axis(path: Path, axis: int, first: int) -> list[Key]:
    return [(key[0] - first, key[1 + axis]) for key in path.keys]


def _steps(keys: Sequence[Key]) -> list[Key]:
    """The first key, and each with another value than the one before."""
    return [keys[0], *(new for old, new in pairwise(keys) if new[1] != old[1])]


def _corners(keys: Sequence[Key]) -> list[Key]:
    """The keys without those that lie on the line between their neighbours."""
    kept = [0]
    for ahead in range(2, len(keys)):
        (frame, value), (frame_ahead, value_ahead) = keys[kept[-1]], keys[ahead]
        slope = (value_ahead - value) / (frame_ahead - frame)
        between = keys[kept[-1] + 1 : ahead]
        if any(abs(value + slope * (at - frame) - true) > STRAIGHT_WITHIN for at, true in between):
            kept.append(ahead - 1)
    return [keys[number] for number in sorted({*kept, len(keys) - 1})]


def _lines(keys: Sequence[Key]) -> list[tuple[float, str]]:
    """From each key on, the line to the next; past the last one a standstill."""
    lines = []
    for (frame, value), (next_frame, next_value) in pairwise([*keys, (keys[-1][0] + 1, keys[-1][1])]):
        slope = (next_value - value) / (next_frame - frame)
        lines.append((frame, f"{value:.2f}+{slope:.4f}*(n-{frame:.2f})" if slope else f"{value:.2f}"))
    return lines


def _by_frame(pieces: Sequence[tuple[float, str]]) -> str:
    """The expression of the last piece that has begun.

    A balanced tree, since ffmpeg refuses expressions that are nested about a hundred deep.
    """
    if len(pieces) == 1:
        return pieces[0][1]
    middle = len(pieces) // 2
    return f"if(lt(n,{pieces[middle][0]:.2f}),{_by_frame(pieces[:middle])},{_by_frame(pieces[middle:])})"
