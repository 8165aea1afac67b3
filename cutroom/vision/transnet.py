"""TransNetV2 over small frames: how likely each frame is part of a change of shot. It meets only frames that the gate leaves open.

The network was made for windows of 100 frames of which the middle 50 count (arXiv:2008.04838). It is a convolution over time,
so here it runs over each open stretch and its context.

All is decided in blocks of frames counted from the first one of the recording, whatever part of it is asked for, so a
recording scored in chunks gives what it gives when scored whole.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cutroom.contracts.documents import ShotScores
from cutroom.vision import gate
from cutroom.vision.network import Frames, load_network
from cutroom.vision.stills import still_changes

FRAME_WIDTH, FRAME_HEIGHT = 48, 27
VERSION = 5

BLOCK = 600
CONTEXT = 30  # frames beside a stretch; 25 are the least that its authors give
LONGEST = 60  # frames of a stretch without its context: with it, the network takes 160 MB beside its weights
AROUND = gate.REACH  # frames on either side of a block that can matter to it

Scores = NDArray[np.float32]


def frames_needed(first_frame: int, last_frame: int, frame_count: int) -> range:
    """The frames of the recording that scoring `first_frame:last_frame` looks at."""
    start = first_frame // BLOCK * BLOCK - AROUND
    stop = -(-last_frame // BLOCK) * BLOCK + AROUND
    return range(max(0, start), min(frame_count, stop))


def score(frames: Frames, first_frame: int, last_frame: int, frame_count: int) -> Iterator[ShotScores]:
    """Scores of `first_frame:last_frame`, up to a block at a time, so that a caller can report progress and stop.

    A frame that the network need not see scores 0, and 1 where the gate is sure of a cut after it or of a dissolve.
    `frames`: RGB, shape (n, 27, 48, 3), exactly those of `frames_needed`; `frame_count` is the whole recording's.
    """
    needed = frames_needed(first_frame, last_frame, frame_count)
    for start in range(first_frame // BLOCK * BLOCK, last_frame, BLOCK):
        around = frames_needed(start, start + BLOCK, frame_count)
        seen = frames[around.start - needed.start : around.stop - needed.start]
        block = slice(start - around.start, min(start + BLOCK, frame_count) - around.start)
        verdict = gate.judge(seen, block.start, block.stop)
        scores = _look(seen, block, verdict.open)
        scores[verdict.ends] = 1
        scores[verdict.mixed, 1] = 1
        kept = range(max(first_frame, start), min(last_frame, start + BLOCK))
        inner = slice(kept.start - start, kept.stop - start)
        changes = still_changes(seen)
        yield ShotScores(
            first_frame=kept.start,
            single=scores[inner, 0].tolist(),
            many=scores[inner, 1].tolist(),
            replaced=[around.start + place for place in changes.replaced if around.start + place in kept],
            added=[around.start + place for place in changes.added if around.start + place in kept],
            lit=[start + int(place) for place in np.flatnonzero(verdict.lit) if start + int(place) in kept],
        )


def score_all(frames: Frames) -> Scores:
    """The network's two probabilities of every frame of a recording, shape (n, 2), in the windows of its authors."""
    scores = np.zeros((len(frames), 2), np.float32)
    for first in range(0, len(frames), 50):
        window = _taken(frames, np.arange(first - 25, first + 75))
        scores[first : first + 50] = load_network()(window)[25:75][: len(frames) - first]
    return scores


def _look(frames: Frames, block: slice, is_open: NDArray[np.bool_]) -> Scores:
    """Scores of the frames of `block`, 0 where they are not open."""
    scores = np.zeros((len(is_open), 2), np.float32)
    for first, past in _stretches(is_open):
        for start in range(first, past, LONGEST):
            stop = min(start + LONGEST, past)
            window = _taken(frames, block.start + np.arange(start - CONTEXT, stop + CONTEXT))
            scores[start:stop] = load_network()(window)[CONTEXT:-CONTEXT]
    return scores


def _stretches(is_open: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Open frames as (first, past), those together that lie nearer to each other than their contexts are long."""
    joined: list[tuple[int, int]] = []
    for first, past in gate.runs(is_open):
        if joined and first - joined[-1][1] <= 2 * CONTEXT:
            joined[-1] = joined[-1][0], past
        else:
            joined.append((first, past))
    return joined


def _taken(frames: Frames, places: NDArray[np.int64]) -> Frames:
    """Frames at `places`; the first and the last stand for what lies beyond them."""
    taken: Frames = frames[places.clip(0, len(frames) - 1)]
    return taken
