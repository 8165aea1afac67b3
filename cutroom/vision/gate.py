"""Which frames the shot network has to look at. Pure: cheap differences of small frames, at a lag of one frame and of twelve.

Where nothing much differs, nothing happens. Two things that do happen need no network either: a hard cut beyond doubt (one
large step to a picture of another structure, calm on both sides, that stays), and a change of light (the picture is brighter
or darker, its structure the same). All that is left is open. Measured beside the network on talks and on films.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.uint8]

REACH = 80  # frames on either side that decide about a frame
LAG = 12
STEP, DRIFT = 3.0, 6.0  # mean grey levels (0 to 255) from a frame to the next, and over LAG, under which nothing happens
CUT = 12.0  # least step of a cut beyond doubt
CALM, STAYS = 0.2, 0.35  # most that another step, and the drift of either side, may be of a cut's own step
OTHER = 0.6  # correlation under which two pictures have another structure
SAME, STILL_SAME = 0.9, 0.8  # ... over which they have the same one: a few frames apart; before and after a change of light
LIGHT = 8.0  # least change of the mean level that counts as one of light
LIGHT_STEP, LIGHT_SLOPE = 2.0, 2.5  # that tells its frames: from a frame to the next, and over 2 * NEAR frames
LONGEST_LIGHT = 60
NEAR = 3


class Verdict(NamedTuple):
    """Of the frames asked for, shape (n,) each: those `open` to the network, those that `end` a shot in a hard cut beyond doubt,
    and those in which the light changes.
    """

    open: NDArray[np.bool_]
    ends: NDArray[np.bool_]
    lit: NDArray[np.bool_]


def judge(frames: Frames, first: int, past: int) -> Verdict:
    """Frames `first:past` of `frames`, which hold REACH more on either side, or end where the recording ends."""
    levels = frames.reshape(len(frames), -1)
    step, drift = differences(levels, 1), differences(levels, LAG)
    wide = drift[np.minimum(np.arange(len(frames)) + LAG // 2, len(frames) - 1)]
    may_change = (step > STEP) | (wide > DRIFT)
    ends, lit = np.zeros((2, len(frames)), bool)
    for cut in np.flatnonzero(step > CUT):
        if _is_sure(frames, step, drift, int(cut)):
            ends[cut - 1] = True
            may_change[cut - LAG // 2 : cut + LAG // 2] = False
    changing = runs(may_change)
    for start, end in _lights(frames, levels):
        lit[start:end] = True
        for begin, stop in changing:
            if start - LAG <= begin and stop <= end + LAG:
                may_change[begin:stop] = False
    return Verdict(may_change[first:past], ends[first:past], lit[first:past])


def differences(levels: NDArray[np.uint8], lag: int) -> NDArray[np.float32]:
    """Mean absolute difference of each frame to the one `lag` before it, of those that have none to the first. (n, pixels)."""
    found = np.zeros(len(levels), np.float32)
    for start in range(1, len(levels), 256):
        now = levels[start : start + 256]
        then = levels[np.maximum(np.arange(start, start + len(now)) - lag, 0)]
        found[start : start + len(now)] = (np.maximum(now, then) - np.minimum(now, then)).mean(axis=1, dtype=np.float32)
    return found


def likeness(one: Frames, other: Frames) -> float:
    """Correlation of two pictures, each channel about its own mean: 1 for the same under another light, 0 where one is blank."""
    a, b = (picture.reshape(-1, 3).astype(np.float32) for picture in (one, other))
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    return float((a * b).sum() / np.sqrt(max(float((a * a).sum() * (b * b).sum()), 1.0)))


def runs(marked: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Marked places that follow one another, as (first, past)."""
    edges = np.flatnonzero(np.diff(marked, prepend=False, append=False))
    return [(int(first), int(past)) for first, past in edges.reshape(-1, 2)]


def _is_sure(frames: Frames, step: NDArray[np.float32], drift: NDArray[np.float32], cut: int) -> bool:
    if cut <= LAG or cut + LAG >= len(frames):
        return False
    around = np.concatenate([step[cut - LAG : cut], step[cut + 1 : cut + LAG + 1]])
    drifts = max(drift[cut - 1], drift[cut + LAG])
    calm = around.max() < CALM * step[cut] and drifts < STAYS * step[cut]
    return bool(calm and likeness(frames[cut - 1], frames[cut]) < OTHER)


def _lights(frames: Frames, levels: NDArray[np.uint8]) -> list[tuple[int, int]]:
    level = levels.mean(axis=1, dtype=np.float32)
    return [_trimmed(level, *run) for run in _brightness_runs(level) if _is_light(frames, level, *run)]


def _brightness_runs(level: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Frames in which the mean level changes, quickly or slowly; runs with calm for less than NEAR frames in between are one."""
    places = np.arange(len(level))
    quick = np.abs(np.diff(level, prepend=level[:1])) > LIGHT_STEP
    slow = np.abs(level[np.minimum(places + NEAR, len(level) - 1)] - level[np.maximum(places - NEAR, 0)]) > LIGHT_SLOPE
    found: list[tuple[int, int]] = []
    for first, past in runs(quick | slow):
        if found and first - found[-1][1] < NEAR:
            found[-1] = found[-1][0], past
        else:
            found.append((first, past))
    return found


def _is_light(frames: Frames, level: NDArray[np.float32], first: int, past: int) -> bool:
    """Whether the level changes much and the structure not: over a few frames all through, and from before to after."""
    if past - first > LONGEST_LIGHT or first == 0 or past >= len(frames):
        return False
    if np.abs(level[first:past] - level[first - 1]).max() < LIGHT:
        return False
    steps = [first - 1, *range(first, past, NEAR), past]
    near = min(likeness(frames[a], frames[b]) for a, b in pairwise(steps))
    return near > SAME and likeness(frames[first - 1], frames[past]) > STILL_SAME


def _trimmed(level: NDArray[np.float32], first: int, past: int) -> tuple[int, int]:
    """From the first frame that has left the light before to the last that has not reached the light after."""
    before, after, inside = level[first - 1], level[past], level[first:past]
    least = (max(inside.max(), before, after) - min(inside.min(), before, after)) / 8
    left, short = np.abs(inside - before) > least, np.abs(inside - after) > least
    return first + int(left.argmax()), past - int(short[::-1].argmax())
