"""Which frames the shot network has to look at. Pure: cheap looks at small frames.

Nothing happens where a frame differs little from the one before, and those half a second apart differ little, or are the same
picture moved a little (the peak of their normalised cross-correlation, by FFT, as in J. P. Lewis, 1995: blind to light and to a
moving camera). Two things that do happen need no network either: a hard cut beyond doubt (one large step to a picture of
another structure, calm on both sides, that stays), and a change of light (brighter or darker, the structure the same).
All that is left is open. The bounds were chosen beside the network's scores on talks, films and hand-held footage.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.uint8]
Marks = NDArray[np.bool_]

REACH = 80  # frames on either side that decide about a frame
LAG = 24
STEP, DRIFT = 3.0, 8.0  # mean grey levels (0 to 255) from a frame to the next, and over LAG, under which nothing happens
SPIKE = 2.0  # least ratio of a step that stands out to the third largest around it: most are 0 where frames are shown twice
MENDED = 0.985  # correlation over which a step is but a key frame's; those of undeblocked talks measure 0.99
MOVED = 0.8  # correlation over which two pictures are the same, moved by at most SHIFT pixels
SHIFT = 4
BESIDE = 12  # frames around an open one that are open too, where they differ at all
CUT = 12.0  # least step of a cut beyond doubt
CALM, STAYS, CALM_FRAMES = 0.2, 0.35, 12  # most that another step, and the drift of either side, may be of a cut's own step
OTHER = 0.6  # correlation under which two pictures have another structure
LIGHT = 8.0  # least change of the mean level that counts as one of light
LIGHT_STEP, LIGHT_SLOPE = 2.0, 2.5  # that tells its frames: from a frame to the next, and over 2 * NEAR frames
LONGEST_LIGHT = 60
SAME, STILL_SAME = 0.93, 0.7  # least correlation NEAR frames apart in a change of light, and of before with after
NEAR = 3


class Verdict(NamedTuple):
    """Of the frames asked for, shape (n,) each: those `open` to the network, those that `end` a shot in a hard cut beyond doubt,
    and those in which the light changes.
    """

    open: Marks
    ends: Marks
    lit: Marks


def judge(frames: Frames, first: int, past: int) -> Verdict:
    """Frames `first:past` of `frames`, which hold REACH more on either side, or end where the recording ends."""
    levels = frames.reshape(len(frames), -1)
    step, lit = _differences(levels, 1), _lit(frames, levels)
    far = _differences(levels, LAG)[np.minimum(np.arange(len(frames)) + LAG // 2, len(frames) - 1)] > DRIFT
    differs = far | (step > STEP)
    happens = _spikes(frames, step) & ~_widened(lit, 1)
    happens[far] |= _far_alike(frames, np.flatnonzero(far)) < MOVED
    ends = np.zeros(len(frames), bool)
    for cut in np.flatnonzero(step > CUT):
        if _is_sure(frames, step, int(cut)):
            ends[cut - 1] = True
            differs[cut - LAG // 2 : cut + LAG // 2] = False
    is_open = differs & _widened(happens & differs, BESIDE)
    return Verdict(is_open[first:past], ends[first:past], lit[first:past])


def runs(marked: Marks) -> list[tuple[int, int]]:
    """Marked places that follow one another, as (first, past)."""
    edges = np.flatnonzero(np.diff(marked, prepend=False, append=False))
    return [(int(first), int(past)) for first, past in edges.reshape(-1, 2)]


def _differences(levels: NDArray[np.uint8], lag: int) -> NDArray[np.float32]:
    """Mean absolute difference of each frame to the one `lag` before it, of those that have none to the first. (n, pixels)."""
    found = np.zeros(len(levels), np.float32)
    for start in range(1, len(levels), 256):
        now = levels[start : start + 256]
        then = levels[np.maximum(np.arange(start, start + len(now)) - lag, 0)]
        found[start : start + len(now)] = (np.maximum(now, then) - np.minimum(now, then)).mean(axis=1, dtype=np.float32)
    return found


def _spikes(frames: Frames, step: NDArray[np.float32]) -> Marks:
    """Frames on both sides of a step that stands out, and changes more than a key frame does by mending what has drifted."""
    marked = np.zeros(len(step), bool)
    for place in np.flatnonzero(step > STEP):
        around = np.sort(step[max(0, place - CALM_FRAMES) : place + CALM_FRAMES + 1])
        if step[place] > SPIKE * around[-3:][0] and _alike(frames[[place - 1]], frames[[place]])[0] < MENDED:
            marked[max(0, place - 1) : place + 1] = True
    return marked


def _far_alike(frames: Frames, places: NDArray[np.int64]) -> NDArray[np.float32]:
    """Likeness of the pictures LAG / 2 before and after each place."""
    found = np.zeros(len(places), np.float32)
    for start in range(0, len(places), 256):
        some = places[start : start + 256]
        before, after = np.maximum(some - LAG // 2, 0), np.minimum(some + LAG // 2, len(frames) - 1)
        found[start : start + 256] = _alike(frames[before], frames[after])
    return found


def _alike(some: Frames, others: Frames) -> NDArray[np.float32]:
    """Correlation of pairs of pictures, shape (n, height, width, 3), moved by up to SHIFT pixels: 1 where they are the same."""
    pair = [frames.mean(axis=-1, dtype=np.float32) for frames in (some, others)]
    pair = [luma - luma.mean(axis=(1, 2), keepdims=True) for luma in pair]
    one, other = (np.fft.rfft2(luma) for luma in pair)
    at_shifts = np.fft.irfft2(one * other.conj(), s=some.shape[1:3])
    best = np.roll(at_shifts, (SHIFT, SHIFT), (1, 2))[:, : 2 * SHIFT + 1, : 2 * SHIFT + 1].max(axis=(1, 2))
    energy = [np.square(luma).sum(axis=(1, 2)) for luma in pair]
    alike: NDArray[np.float32] = best / np.sqrt(np.maximum(energy[0] * energy[1], 1.0))
    return alike


def _widened(marked: Marks, by: int) -> Marks:
    return np.convolve(marked, np.ones(2 * by + 1))[by : by + len(marked)] > 0


def _is_sure(frames: Frames, step: NDArray[np.float32], cut: int) -> bool:
    if cut <= CALM_FRAMES or cut + CALM_FRAMES >= len(frames):
        return False
    around = np.concatenate([step[cut - CALM_FRAMES : cut], step[cut + 1 : cut + CALM_FRAMES + 1]])
    ends = frames[[cut - 1 - CALM_FRAMES, cut - 1, cut, cut + CALM_FRAMES]].reshape(4, -1).astype(np.float32)
    drift = max(np.abs(ends[1] - ends[0]).mean(), np.abs(ends[3] - ends[2]).mean())
    calm = around.max() < CALM * step[cut] and drift < STAYS * step[cut]
    return bool(calm and _alike(frames[[cut - 1]], frames[[cut]])[0] < OTHER)


def _lit(frames: Frames, levels: NDArray[np.uint8]) -> Marks:
    """Frames in which the light changes and the structure stays."""
    level, lit = levels.mean(axis=1, dtype=np.float32), np.zeros(len(levels), bool)
    for first, past in _brightness_runs(level):
        if _is_light(frames, level, first, past):
            lit[slice(*_trimmed(level, first, past))] = True
    return lit


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
    steps = frames[[first - 1, *range(first, past, NEAR), past]]
    return bool(_alike(steps[:-1], steps[1:]).min() > SAME and _alike(steps[:1], steps[-1:])[0] > STILL_SAME)


def _trimmed(level: NDArray[np.float32], first: int, past: int) -> tuple[int, int]:
    """From the first frame that has left the light before to the last that has not reached the light after."""
    before, after, inside = level[first - 1], level[past], level[first:past]
    least = (max(inside.max(), before, after) - min(inside.min(), before, after)) / 8
    left, short = np.abs(inside - before) > least, np.abs(inside - after) > least
    return first + int(left.argmax()), past - int(short[::-1].argmax())
