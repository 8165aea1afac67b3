"""Where to look in a shot without faces: at what moves, and at what stands out. Pure.

A saliency of two cheap cues, motion and contrast, as attention-based croppers use; it moves the crop off the centre only
where it clearly gains, and never within a shot.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cutroom.media.camera import Rail

_CENTRE = 0.35  # of what is seen is lost by the crop at the edge, as people film what matters in the middle
_CLEARLY = 1.2  # times what the centre shows
_GRAIN = 2.0  # grey levels of motion that are none

Profile = NDArray[np.float32]


def most_interesting(pictures: Sequence[NDArray[np.uint8]], rail: Rail) -> float | None:
    """Where the crop begins that shows most of it; None where the centre is about as good.

    `pictures`: small grey ones of the shot, of one shape, in order.
    """
    if rail.room == 0 or not pictures or min(pictures[0].shape) < 2:
        return None
    along = 1 if rail.axis == 0 else 0  # which axis of a picture runs along the rail
    total, moved = np.zeros((2, *pictures[0].shape), np.float32)
    for picture in pictures:
        total += picture
    for before, after in pairwise(pictures):
        moved += np.abs(np.subtract(after, before, dtype=np.float32))
    edges = np.hypot(*np.gradient(total / len(pictures)))
    moves = moved / max(1, len(pictures) - 1)
    profile = _share(edges, along) + _share(np.maximum(moves - _GRAIN, 0), along)
    window = max(1, round(len(profile) * rail.side / rail.picture[rail.axis]))
    shown = np.convolve(profile, np.ones(window), "valid")
    offset = np.abs(np.linspace(-1, 1, len(shown)))
    best = int((shown * (1 - _CENTRE * offset)).argmax())
    if shown[best] <= _CLEARLY * shown[len(shown) // 2]:
        return None
    return best / max(1, len(shown) - 1) * rail.room


def _share(cue: Profile, along: int) -> Profile:
    """How a cue is spread along the rail, sum 1; nothing where there is none of it."""
    spread: Profile = cue.sum(axis=1 - along)
    total = float(spread.sum())
    return spread / total if total > 0 else spread
