"""The fundamental frequency of a voice, a hundred times a second: YIN (de Cheveigné and Kawahara, JASA 111, 2002)."""

import numpy as np
from numpy.typing import NDArray

from cutroom.speech.sound import RATE, Signal

HOP = RATE // 100
LOWEST_HZ = 60.0
HIGHEST_HZ = 500.0
# YIN's threshold: the share of a frame's power that the best period leaves unexplained.
UNEXPLAINED = 0.2
# A dip counts as deep as the deepest when it leaves no more than this beyond it.
AS_DEEP = 0.1
FAINTEST = 1e-3
# Voiced frames whose median an octave is judged by: a third of a second.
AROUND = 31

_HALF = RATE // 2
_FIRST, _LAST = int(_HALF / HIGHEST_HZ), int(_HALF / LOWEST_HZ) + 2
_WINDOW = 256
_FFT = 512
_AT_ONCE = 2_000

Pitch = NDArray[np.float32]


def pitch_of(samples: Signal) -> Pitch:
    """Hz of each whole 10 ms of 16 kHz samples between -1 and 1; 0 where nothing is voiced.

    Searched at 8 kHz between 60 and 500 Hz. The first dip nearly as deep as the deepest wins (McLeod and Wyvill, ICMC 2005),
    and what lies whole octaves from the frames around it is moved to theirs.
    """
    frames = samples.size // HOP
    if not frames:
        return np.zeros(0, np.float32)
    half = (samples[: samples.size // 2 * 2].reshape(-1, 2).sum(1) / 2).astype(np.float32)
    reach = _WINDOW + _LAST
    padded = np.pad(half, (reach // 2, reach))
    views = np.lib.stride_tricks.sliding_window_view(padded, reach)[:: HOP // 2][:frames]
    return _same_octave(np.concatenate([_yin(views[first : first + _AT_ONCE]) for first in range(0, frames, _AT_ONCE)]))


def _same_octave(pitch: Pitch) -> Pitch:
    voiced = np.flatnonzero(pitch)
    if voiced.size:
        around = np.pad(pitch[voiced], AROUND // 2, mode="reflect" if voiced.size > AROUND // 2 else "edge")
        medians = np.median(np.lib.stride_tricks.sliding_window_view(around, AROUND), axis=1)
        pitch[voiced] *= 2 ** np.round(np.log2(medians / pitch[voiced]))
    return pitch


def _yin(views: Signal) -> Pitch:
    """Steps 2 to 5 of the paper, for rows of samples."""
    frames = views - views.mean(1, keepdims=True)
    spectrum = np.fft.rfft(frames, _FFT)
    opening = np.fft.rfft(frames[:, :_WINDOW], _FFT)
    products = np.fft.irfft(spectrum * opening.conj(), _FFT)[:, : _LAST + 1]
    energy = np.cumsum(np.pad(frames**2, ((0, 0), (1, 0))), axis=1, dtype=np.float32)
    lags = np.arange(_LAST + 1)
    power = energy[:, _WINDOW : _WINDOW + _LAST + 1] - energy[:, : _LAST + 1]
    difference = np.maximum(power[:, :1] + power - 2 * products, 0)
    difference[:, 0] = 0
    norm = difference * lags / np.maximum(np.cumsum(difference, axis=1), 1e-9)
    inner = norm[:, _FIRST:_LAST]
    least = np.minimum(inner.min(1, keepdims=True) + AS_DEEP, UNEXPLAINED)
    dips = (inner < least) & (inner <= norm[:, _FIRST - 1 : _LAST - 1]) & (inner < norm[:, _FIRST + 1 : _LAST + 1])
    voiced = dips.any(1) & (power[:, 0] > _WINDOW * FAINTEST**2)
    best = dips.argmax(1) + _FIRST
    rows = np.arange(best.size)
    before, at, after = norm[rows, best - 1], norm[rows, best], norm[rows, best + 1]
    shift = (before - after) / np.maximum(2 * (before - 2 * at + after), 1e-9)
    return np.where(voiced, _HALF / (best + np.clip(shift, -0.5, 0.5)), 0).astype(np.float32)
