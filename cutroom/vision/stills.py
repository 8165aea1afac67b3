"""Slides: pictures that stand still and change at once, which the network takes for more of the same, so little of them differs.

Pure. Between two pictures that stand still, a jump that both darkens and lightens replaces what was there; one that does only
one of the two adds to it (a line of a slide appears) or takes away.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

STILL_FRAMES = 12
STILL = 0.2  # mean change of luma (0 to 255) from frame to frame of a picture that stands still; filmed ones stay over 0.4
LEAST_CHANGE = 0.5
BOTH_WAYS = 0.06  # a line that appears measures 0.03 where scaling rings, a slide with other lines 0.095 and more


class StillChanges(NamedTuple):
    """Places of the first frames of a still picture that `replaced` another one, or was `added` to."""

    replaced: list[int]
    added: list[int]


def still_changes(frames: NDArray[np.uint8]) -> StillChanges:
    """`frames`: RGB, shape (n, height, width, 3)."""
    light = frames[..., 0].astype(np.int16) + frames[..., 1] + frames[..., 2]
    steps = np.diff(light, axis=0)
    lighter, darker = (np.maximum(one_way, 0).mean(axis=(1, 2), dtype=np.float32) / 3 for one_way in (steps, -steps))
    change = lighter + darker
    found = StillChanges([], [])
    for place in np.flatnonzero(change > LEAST_CHANGE):
        before, after = change[max(0, place - STILL_FRAMES) : place], change[place + 1 : place + 1 + STILL_FRAMES]
        if len(before) == len(after) == STILL_FRAMES and max(before.max(), after.max()) < STILL:
            both_ways = min(lighter[place], darker[place]) > BOTH_WAYS * max(lighter[place], darker[place])
            (found.replaced if both_ways else found.added).append(int(place) + 1)
    return found
