"""How a room answers: applause and laughter, told from speech by simple properties of the signal.

Applause is many claps: steady in level, hardly ever voiced, and above 800 Hz for the most part. A laugh is a row of short
breathy calls, three to seven a second and more even than syllables are (Bachorowski, Smoski and Owren, JASA 110, 2001).
Neither is a trained detector: a few claps in a still room, laughter of many people at once and laughter under speech are
mostly missed.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cutroom.speech.sound import Decibels
from cutroom.speech.spectra import Rows, band_centres

WINDOW = 150
HOP = 50
SHORTEST = 75
CLAPPED_HZ = 800.0
# Frames between two calls of a laugh, and the least between a call and the still moment after it.
PERIODS = slice(14, 32)
BETWEEN = 5
# What lies further below the loudest of a window is silence, however deep.
DEPTH_DB = 30.0


class Heard(NamedTuple):
    """Frames of 10 ms: `loudness` in dB below full scale, `pitch` in Hz (0 unvoiced), `power` in mel bands."""

    loudness: Decibels
    pitch: NDArray[np.float32]
    power: Rows


class Reaction(NamedTuple):
    """Likelihoods from 0 to 1, and the level in dB at which the applause was heard."""

    laughter: float = 0.0
    applause: float = 0.0
    applause_db: float = -np.inf


def reaction_in(heard: Heard) -> Reaction:
    """The clearest laughter and the clearest applause in any second and a half."""
    frames = heard.loudness.size
    starts = range(0, max(1, frames - SHORTEST + 1), HOP) if frames >= SHORTEST else ()
    parts = [Heard(*(track[first : first + WINDOW] for track in heard)) for first in starts]
    applause = [(_applause(part), float(np.median(part.loudness))) for part in parts]
    likeliest, level_db = max(applause, default=(0.0, -np.inf))
    return Reaction(max((_laughter(part) for part in parts), default=0.0), likeliest, level_db)


def _applause(part: Heard) -> float:
    level = np.convolve(part.loudness, np.full(10, 0.1), mode="valid")
    low, high = np.percentile(level, (10, 90))
    voiced = float((part.pitch > 0).mean())
    spectrum = part.power.mean(0)
    bright = float(spectrum[_BRIGHT].sum() / max(spectrum.sum(), 1e-12))
    return _rising(12 - (high - low), 0, 5) * _rising(0.15 - voiced, 0, 0.1) * _rising(bright, 0.4, 0.7)


def _laughter(part: Heard) -> float:
    """By the envelope's autocorrelation: high a call later, as far below zero between two calls."""
    level = np.convolve(part.loudness, np.full(5, 0.2), mode="valid")
    level = np.maximum(level, level.max() - DEPTH_DB)
    level = level - level.mean()
    lags = np.correlate(level, level, "full")[level.size - 1 :]
    lags = lags / max(lags[0], 1e-9) * level.size / np.arange(level.size, 0, -1)
    again = int(lags[PERIODS].argmax()) + PERIODS.start
    between = float(lags[BETWEEN:again].min())
    voiced = float((part.pitch > 0).mean())
    return (
        _rising(float(lags[again]), 0.5, 0.65)
        * _rising(float(lags[again]) - between, 1.0, 1.4)
        * _rising(0.6 - voiced, 0, 0.15)
        * _rising(voiced, 0.02, 0.06)
        * _rising(float(level.std()), 5, 8)
    )


def _rising(value: float, none: float, full: float) -> float:
    """0 up to `none`, 1 from `full` on, straight between."""
    return float(np.clip((value - none) / (full - none), 0, 1))


_BRIGHT = band_centres() >= CLAPPED_HZ
