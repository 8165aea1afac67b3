"""How loud each sentence is, against the talk as a whole."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cutroom.contracts.documents import Sentence

_LEAST_POWER = 1e-8


def relative_loudness(decibels: NDArray[np.float32], frame_s: float, sentences: Sequence[Sentence]) -> list[float]:
    """RMS of each sentence in dB above the RMS of all of them; `decibels`: one value for each `frame_s` of sound.

    A sentence outside the sound counts as silence.
    """
    power = 10 ** (decibels.astype(np.float64) / 10)
    heard = [power[int(s.start_s / frame_s) : max(int(s.end_s / frame_s), int(s.start_s / frame_s) + 1)] for s in sentences]
    frames = sum(part.size for part in heard)
    overall = max(sum(float(part.sum()) for part in heard) / max(frames, 1), _LEAST_POWER)
    return [10 * float(np.log10(max(float(part.mean()) if part.size else 0.0, _LEAST_POWER) / overall)) for part in heard]
