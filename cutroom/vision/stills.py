"""One slide after another: a change of shot that the network takes for more of the same, so little of the picture differs.

Pure. Between two pictures that stand still, a jump that both darkens and lightens replaces what was there; one that only
adds (a line of a slide appears) does not.
"""

import numpy as np
from numpy.typing import NDArray

STILL_FRAMES = 12
STILL = 0.2  # mean change of luma (0 to 255) from frame to frame of a picture that stands still; filmed ones stay over 0.4
LEAST_CHANGE = 0.5
BOTH_WAYS = 0.1  # a line that appears measures 0.04, for scaling rings


def replaced_stills(frames: NDArray[np.uint8]) -> list[int]:
    """Places of the first frames of a still picture that replaces another one. `frames`: RGB, shape (n, height, width, 3)."""
    steps = np.diff(frames.mean(axis=3, dtype=np.float32), axis=0)
    lighter, darker = np.maximum(steps, 0).mean(axis=(1, 2)), np.maximum(-steps, 0).mean(axis=(1, 2))
    change = lighter + darker
    found = []
    for place in np.flatnonzero(change > LEAST_CHANGE):
        before, after = change[max(0, place - STILL_FRAMES) : place], change[place + 1 : place + 1 + STILL_FRAMES]
        stands = len(before) == len(after) == STILL_FRAMES and max(before.max(), after.max()) < STILL
        if stands and min(lighter[place], darker[place]) > BOTH_WAYS * max(lighter[place], darker[place]):
            found.append(int(place) + 1)
    return found
