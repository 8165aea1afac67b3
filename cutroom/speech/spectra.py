"""Short-time spectra of speech: power in mel bands, and the cepstrum of it (Davis and Mermelstein, IEEE ASSP 28, 1980)."""

import numpy as np
from numpy.typing import NDArray

from cutroom.speech.sound import FRAME, RATE, Signal

WINDOW = 400
BANDS = 26
COEFFICIENTS = 19
LOWEST_HZ = 80.0
_FFT = 512
_AT_ONCE = 3_000

Rows = NDArray[np.float32]


def mel_power(samples: Signal) -> Rows:
    """Power in 26 mel bands from 80 Hz to 8 kHz of each whole 10 ms of 16 kHz samples, in windows of 25 ms; (frames, 26)."""
    frames = samples.size // FRAME
    padded = np.pad(samples, ((WINDOW - FRAME) // 2, WINDOW))
    views = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::FRAME][:frames]
    parts = [_in_bands(_power(views[first : first + _AT_ONCE])) for first in range(0, frames, _AT_ONCE)]
    return np.concatenate(parts) if parts else np.zeros((0, BANDS), np.float32)


def band_centres() -> NDArray[np.float64]:
    """Hz of the middle of each mel band."""
    return _edges()[1:-1]


def cepstra(power: Rows) -> Rows:
    """Mel-frequency cepstral coefficients 1 to 19 of rows of mel power: the shape of the spectrum without its level."""
    coefficients: Rows = np.log(power + 1e-8) @ _COSINES
    return coefficients


def _power(views: Signal) -> Rows:
    spectrum = np.fft.rfft(views * _TAPER, _FFT)
    return (spectrum.real**2 + spectrum.imag**2).astype(np.float32, copy=False)


def _in_bands(power: Rows) -> Rows:
    """Triangles that overlap by half: what lies between two edges rises into one band and falls out of the one before.

    Summed in place, since a product with their matrix would start BLAS threads that cost more than they do.
    """
    between = power[:, _FIRST_BIN:]
    rising = np.add.reduceat(between * _RISING, _STARTS, axis=1)
    falling = np.add.reduceat(between, _STARTS, axis=1) - rising
    bands: Rows = rising[:, :-1] + falling[:, 1:]
    return bands


def _edges() -> NDArray[np.float64]:
    """Hz between which the triangles lie, evenly spaced in mels."""
    bottom, top = (2595 * np.log10(1 + hz / 700) for hz in (LOWEST_HZ, RATE / 2))
    edges: NDArray[np.float64] = 700 * (10 ** (np.linspace(bottom, top, BANDS + 2) / 2595) - 1)
    return edges


def _cosines() -> Rows:
    """An orthonormal discrete cosine transform (type II) without its first row, (26, 19)."""
    angles = np.pi / BANDS * (np.arange(BANDS)[:, None] + 0.5) * np.arange(1, COEFFICIENTS + 1)
    cosines: Rows = (np.sqrt(2 / BANDS) * np.cos(angles)).astype(np.float32)
    return cosines


_TAPER = np.hamming(WINDOW).astype(np.float32)
_COSINES = _cosines()
_HZ = np.fft.rfftfreq(_FFT, 1 / RATE)
_BELOW = np.clip(np.searchsorted(_edges(), _HZ, side="right") - 1, 0, BANDS)  # the edge below each bin
_FIRST_BIN = int(np.searchsorted(_HZ, LOWEST_HZ))
_STARTS = np.searchsorted(_BELOW[_FIRST_BIN:], np.arange(BANDS + 1))
_RISING = (((_HZ - _edges()[_BELOW]) / np.diff(_edges())[_BELOW])[_FIRST_BIN:]).astype(np.float32)
