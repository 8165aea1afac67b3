"""Captions that lie before or after what is said, all by the same time: found, and moved.

Captions and sound are both written as on and off. Where they belong together, one laid over the other fits far better at one
place than at any other; all places are tried at once, by FFT (as ffsubsync does). Where no place stands out, as under music or
where captions follow one another without a pause, nothing is moved.
"""

import numpy as np
from numpy.typing import NDArray

from cutroom.contracts.documents import Cue, Cues
from cutroom.speech.sound import FRAME_S, Decibels, loud_frames

STEP = 5  # frames of 10 ms
STEP_S = STEP * FRAME_S
MOST_S = 60.0
LEAST_S = 0.3  # what alignment makes up for as well
FEWEST = 8  # captions
# Correlation, at most 1. Spoken by people and captioned with care it is over 0.7 in its place and under 0.3 anywhere else.
LEAST_FIT, BETTER, ALONE = 0.4, 0.2, 0.15
APART_S = 1.5  # from the best place: what is nearer belongs to it

Signal = NDArray[np.float64]


def in_step(cues: Cues, loudness: Decibels) -> Cues:
    """The captions where the sound says that they belong. `loudness`: of each 10 ms of the whole recording."""
    late_s = lateness(cues.cues, loudness)
    if not late_s:
        return cues
    moved = [
        cue.model_copy(update={"start_s": max(0.0, cue.start_s - late_s), "end_s": cue.end_s - late_s})
        for cue in cues.cues
        if cue.end_s > late_s
    ]
    return Cues(cues=moved, late_s=late_s)


def lateness(cues: list[Cue], loudness: Decibels) -> float:
    """Seconds by which captions come after what they tell, below 0 where they come before; 0 where that is little or not sure."""
    if len(cues) < FEWEST or loudness.size < STEP:
        return 0.0
    heard = loud_frames(loudness)[: loudness.size // STEP * STEP].reshape(-1, STEP).mean(axis=1)
    fit = _fit(_shown(cues, len(heard)), heard)
    lags = np.arange(len(fit)) - len(fit) // 2
    best = int(np.argmax(fit))
    late_s = float(lags[best]) * STEP_S
    here = fit[np.abs(lags) <= LEAST_S / STEP_S].max()
    elsewhere = fit[np.abs(lags - lags[best]) > APART_S / STEP_S].max()
    sure = fit[best] >= max(LEAST_FIT, here + BETTER, elsewhere + ALONE)
    return round(late_s, 2) if sure and abs(late_s) > LEAST_S else 0.0


def _shown(cues: list[Cue], steps: int) -> Signal:
    """1 where a caption is shown, else 0; as long as the sound, or as the captions."""
    shown = np.zeros(max(steps, round(max(cue.end_s for cue in cues) / STEP_S)))
    for cue in cues:
        shown[round(cue.start_s / STEP_S) : round(cue.end_s / STEP_S)] = 1
    return shown


def _fit(shown: Signal, heard: Signal) -> Signal:
    """Correlation with the captions that much too late, from -MOST_S to MOST_S."""
    most = round(MOST_S / STEP_S)
    size = len(shown) + len(heard) + 2 * most
    signals = [signal - signal.mean() for signal in (shown, heard)]
    across = np.fft.irfft(np.fft.rfft(signals[0], size) * np.conj(np.fft.rfft(signals[1], size)), size)
    scale = np.linalg.norm(signals[0]) * np.linalg.norm(signals[1])
    fit: Signal = np.concatenate((across[-most:], across[: most + 1])) / max(float(scale), 1e-9)
    return fit
