"""Where to look in a shot without faces: at what moves, and at what stands out. Pure.

A saliency of two cheap cues, motion and contrast, as attention-based croppers use; it moves the crop off the centre only
where it clearly gains, and never within a shot.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cutroom.media.camera import Rail

_CENTRE = 0.35  # of what is seen is lost by the crop at the edge, as people film what matters in the middle
_CLEARLY = 1.2  # times what the centre shows
_GRAIN = 2.0  # grey levels of motion that are none

Profile = NDArray[np.float64]


def most_interesting(pictures: Sequence[NDArray[np.uint8]], rail: Rail) -> float | None:
    """Where the crop begins that shows most of it; None where the centre is about as good.

    `pictures`: small grey ones of the shot, of one shape, in order.
    """
    seen = np.asarray(pictures, np.float64)
    if rail.room == 0 or min(seen.shape) == 0 or seen.shape[1] < 2 or seen.shape[2] < 2:
        return None
    along = 1 if rail.axis == 0 else 0  # which axis of a picture runs along the rail
    edges = np.hypot(*np.gradient(seen.mean(axis=0)))
    moves = np.abs(np.diff(seen, axis=0)).mean(axis=0) if len(seen) > 1 else np.zeros(edges.shape)
    profile = sum((_share(cue, along) for cue in (edges, np.maximum(moves - _GRAIN, 0))), np.zeros(edges.shape[along]))
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
