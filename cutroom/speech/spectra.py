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
    parts = [_power(views[first : first + _AT_ONCE]) @ _MELS for first in range(0, frames, _AT_ONCE)]
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
    power: Rows = spectrum.real**2 + spectrum.imag**2
    return power


def _edges() -> NDArray[np.float64]:
    """Hz between which the triangles lie, evenly spaced in mels."""
    bottom, top = (2595 * np.log10(1 + hz / 700) for hz in (LOWEST_HZ, RATE / 2))
    edges: NDArray[np.float64] = 700 * (10 ** (np.linspace(bottom, top, BANDS + 2) / 2595) - 1)
    return edges


def _mel_filters() -> Rows:
    """One triangle a column, (257, 26)."""
    edges = _edges()
    hz = np.fft.rfftfreq(_FFT, 1 / RATE)[:, None]
    rising = (hz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - hz) / (edges[2:] - edges[1:-1])
    return np.clip(np.minimum(rising, falling), 0, None).astype(np.float32)


def _cosines() -> Rows:
    """An orthonormal discrete cosine transform (type II) without its first row, (26, 19)."""
    angles = np.pi / BANDS * (np.arange(BANDS)[:, None] + 0.5) * np.arange(1, COEFFICIENTS + 1)
    return (np.sqrt(2 / BANDS) * np.cos(angles)).astype(np.float32)


_TAPER = np.hamming(WINDOW).astype(np.float32)
_MELS = _mel_filters()
_COSINES = _cosines()
