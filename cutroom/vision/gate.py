"""Which frames the shot network has to look at. Pure: cheap looks at small frames.

A change of shot stands out where motion does not. A hard cut is one step, far larger than those around it, to a picture of
another structure; how far larger, times how unlike, is its prominence: beyond doubt where great, none where little, left to
the network in between. (Steps beside their neighbourhood: as in PySceneDetect's adaptive detector. Likeness: the peak of
normalised cross-correlation, by FFT, as in J. P. Lewis, 1995: blind to light and to a moving camera.)

In a dissolve or a fade each picture is a blend of one before and one after, which are of other colours and another structure;
pictures of a moving camera are no such blends. Where nothing else moves it is beyond doubt, else it is left to the network.
A change of light is brighter or darker, the structure the same. The bounds were chosen beside the network's scores on talks,
films, hand-held footage, and many cuts and dissolves made of them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.uint8]
Places = NDArray[np.int64]
Marks = NDArray[np.bool_]

CHUNK = 64  # frames at a time: what they are turned into stays in the processor's cache
REACH = 100  # frames on either side that decide about a frame
STEP, CUT = 3.0, 12.0  # mean grey levels (0 to 255) from a frame to the next: under which nothing happens; least of a sure cut
AROUND = 12  # frames on either side that a step is compared with
SPIKE = 1.15  # least ratio of a step to the third largest, itself included: most are 0 where frames are shown twice
DOUBT, SURE = 0.3, 2.0  # prominence: that of motion stays under 0.25, that of most cuts is over 3
SHIFT = 4  # pixels by which two pictures that are alike may be moved
HALVES = 6, 12  # frames before and after one that may be their blend
DRIFT, RECOLOURED, MOVED = 8.0, 0.1, 0.8  # how those two differ: least grey levels, least share of colours, most likeness
BLEND, CLEAN = 0.42, 0.15  # what is no blend of the two, beside how they differ: at most, and beyond doubt
LONGEST_CLEAN = 30  # frames of a dissolve beyond doubt; of longer ones the network marks a part, which may lie to one side
FLAT = 0.02  # weight that its new picture gains at least over two frames, of what it gains over 2 * NEAR
BESIDE = 12  # frames around doubtful blends that are open too
LIGHT = 8.0  # least change of the mean level that counts as one of light
LIGHT_STEP, LIGHT_SLOPE = 2.0, 2.5  # that tells its frames: from a frame to the next, and over 2 * NEAR frames
LONGEST_LIGHT = 60
SAME, STILL_SAME = 0.93, 0.7  # least correlation NEAR frames apart in a change of light, and of before with after
NEAR = 3


class Verdict(NamedTuple):
    """Of the frames asked for, shape (n,) each: those `open` to the network, those that `end` a shot in a hard cut beyond doubt,
    those `mixed` in a dissolve beyond doubt, and those in which the light changes.
    """

    open: Marks
    ends: Marks
    mixed: Marks
    lit: Marks


def judge(frames: Frames, first: int, past: int) -> Verdict:
    """Frames `first:past` of `frames`, which hold REACH more on either side, or end where the recording ends."""
    levels = frames.reshape(len(frames), -1)
    lit, mixed = _lit(frames, levels), np.zeros(len(frames), bool)
    cuts, happens = _cuts(frames, _step(levels), _widened(lit, 1))
    blends = _widened(_blends(frames, levels, cuts), NEAR)
    while blends.any():
        start, stop = runs(blends)[0]
        dissolve = _clean_dissolve(levels, cuts, (start + stop) // 2)
        mixed[dissolve] = True
        if not dissolve.stop:
            happens[max(0, start - BESIDE) : stop + BESIDE] = True
            blends[start:stop] = False
        blends[max(0, dissolve.start - HALVES[-1]) : dissolve.stop + HALVES[-1]] = False
    is_open = happens & ~mixed
    ends = np.append(cuts[1:], False)
    return Verdict(is_open[first:past], ends[first:past], mixed[first:past], lit[first:past])


def runs(marked: Marks) -> list[tuple[int, int]]:
    """Marked places that follow one another, as (first, past)."""
    edges = np.flatnonzero(np.diff(marked, prepend=False, append=False))
    return [(int(first), int(past)) for first, past in edges.reshape(-1, 2)]


def _step(levels: Frames) -> NDArray[np.float32]:
    """Mean absolute difference of each frame to the one before it. (n, pixels)."""
    found = np.zeros(len(levels), np.float32)
    for start in range(1, len(levels), CHUNK):
        now = levels[start : start + CHUNK]
        found[start : start + len(now)] = _difference(levels[start - 1 : start - 1 + len(now)], now)
    return found


def _difference(some: Frames, others: Frames) -> NDArray[np.float32]:
    found: NDArray[np.float32] = (np.maximum(some, others) - np.minimum(some, others)).mean(axis=1, dtype=np.float32)
    return found


def _cuts(frames: Frames, step: NDArray[np.float32], lit: Marks) -> tuple[Marks, Marks]:
    """First frames of shots after a hard cut beyond doubt, and the frames NEAR a step that may be one."""
    sure, doubted = np.zeros(len(step), bool), np.zeros(len(step), bool)
    for place in np.flatnonzero((step > STEP) & ~lit):
        beside = np.concatenate([np.full(2, STEP / 8), step[max(0, place - AROUND) : place], step[place + 1 : place + 1 + AROUND]])
        *_, second, most = np.sort(beside)
        if step[place] < SPIKE * second:
            continue
        unlike = 1 - _alike(frames[[place - 1]], frames[[place]])[0]
        if step[place] > CUT and unlike * step[place] > SURE * most:
            sure[place] = True
        elif unlike * step[place] > DOUBT * second:
            doubted[max(0, place - NEAR) : place + NEAR] = True
    return sure, doubted


def _blends(frames: Frames, levels: Frames, cuts: Marks) -> Marks:
    """Frames that are, with those around them, blends of two other pictures, with no cut in between."""
    found, colours, shots = np.zeros(len(frames), bool), _colours(frames), np.cumsum(cuts)
    for half in HALVES:
        for start in range(0, len(frames), CHUNK):
            places = np.arange(start, min(start + CHUNK, len(frames)))
            ends = np.stack([np.maximum(places - half, 0), np.minimum(places + half, len(frames) - 1)])
            differ = (shots[ends[0]] == shots[ends[1]]) & (_difference(levels[ends[0]], levels[ends[1]]) > DRIFT)
            differ &= np.abs(colours[ends[1]] - colours[ends[0]]).sum(axis=1) > 2 * RECOLOURED
            places, ends = places[differ], ends[:, differ]
            for part in (0, -half // 2, half // 2):
                kept = _mixture(levels, ends, np.clip(places + part, 0, len(frames) - 1))[1] < BLEND
                places, ends = places[kept], ends[:, kept]
            if len(places):
                found[places[_alike(frames[ends[0]], frames[ends[1]]) < MOVED]] = True
    return found


def _mixture(levels: Frames, ends: Places, places: Places) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Of frames as blends of two others: the weight of the later one, and what is no blend, beside how the two differ."""
    old, new, mixed = (levels[chosen].astype(np.float32) for chosen in (*ends, places))
    new, mixed = new - old, mixed - old
    size = np.maximum(np.square(new).sum(axis=-1), np.float32(1))
    weight: NDArray[np.float32] = (mixed * new).sum(axis=-1) / size
    rest: NDArray[np.float32] = np.sqrt(np.maximum(np.square(mixed).sum(axis=-1) / size - weight * weight, 0))
    return weight, rest


def _clean_dissolve(levels: Frames, cuts: Marks, middle: int) -> slice:
    """The mixed frames of a dissolve around `middle`, as far as the new picture keeps rising; empty where anything else moves."""
    first, past = max(0, middle - LONGEST_CLEAN), min(middle + LONGEST_CLEAN, len(levels))
    near = np.clip([middle - NEAR, middle + NEAR], first, past - 1)
    weight = _mixture(levels, near, np.arange(first, past))[0]
    flat = first + 1 + np.flatnonzero(weight[2:] - weight[:-2] < FLAT)
    before, after = flat[flat < middle], flat[flat > middle]
    old = int(before[-1]) + 1 if len(before) else first
    new = int(after[0]) - 1 if len(after) else past - 1
    if not NEAR + 1 < new - old <= LONGEST_CLEAN or cuts[old : new + 1].any():
        return slice(0, 0)
    differ = _difference(levels[[old]], levels[[new]])[0] > DRIFT
    clean = _mixture(levels, np.array([old, new]), np.arange(old, new + 1))[1].max() < CLEAN
    return slice(old + 1, new) if differ and clean else slice(0, 0)


def _colours(frames: Frames) -> NDArray[np.float32]:
    """Share of each frame's pixels in each of 64 colours."""
    counts = np.empty((len(frames), 64), np.int64)
    for start in range(0, len(frames), CHUNK):
        some = frames[start : start + CHUNK] >> 6
        bins = (some[..., 0] << 4 | some[..., 1] << 2 | some[..., 2]) + 64 * np.arange(len(some))[:, None, None]
        counts[start : start + CHUNK] = np.bincount(bins.ravel(), minlength=64 * len(some)).reshape(-1, 64)
    shares: NDArray[np.float32] = counts.astype(np.float32) / np.float32(frames[0, ..., 0].size)
    return shares


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
