"""The prepared sound: read in pieces, and where in it somebody speaks, by energy.

The detector is a threshold between the noise floor and the loudest hundredth of the neighbourhood, in decibels. It is meant
for cutting between words, not for telling speech from music: what is loud counts as sound.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cutroom.errors import ArtifactMissing

RATE = 16_000
FRAME_S = 0.01
FRAME = int(RATE * FRAME_S)
NEIGHBOURHOOD = 3_000
MINUTE_S = 60.0
# A floor under the floor: digital silence is no reference, and everything near it is silence.
DEAD_DB = -75.0
SPREAD_DB = 8.0
THRESHOLD = 0.3

Samples = NDArray[np.int16]
Signal = NDArray[np.float32]
Decibels = NDArray[np.float32]
Mask = NDArray[np.bool_]


class Silence(NamedTuple):
    """Frames `first:last` (past the end), 10 ms each."""

    first: int
    last: int


def duration_of(sound: Path) -> float:
    """Seconds of a sound file. Raises ArtifactMissing where it cannot be read."""
    import soundfile

    try:
        return float(soundfile.info(sound).duration)
    except soundfile.LibsndfileError as error:
        raise ArtifactMissing("The prepared sound cannot be read.") from error


def read_samples(sound: Path, start_s: float, end_s: float) -> Samples:
    """Mono 16 kHz samples of the span, clipped to the file. Raises ArtifactMissing where it cannot be read."""
    import soundfile

    try:
        with soundfile.SoundFile(sound) as file:
            first = min(max(0, round(start_s * RATE)), file.frames)
            last = min(max(first, round(end_s * RATE)), file.frames)
            file.seek(first)
            samples: Samples = file.read(last - first, dtype="int16")
            return samples
    except soundfile.LibsndfileError as error:
        raise ArtifactMissing("The prepared sound cannot be read.") from error


def signal_of(samples: Samples) -> Signal:
    """Samples between -1 and 1."""
    signal: Signal = samples.astype(np.float32) / np.float32(32768)
    return signal


def loudness_of(samples: Samples) -> Decibels:
    """Decibels below full scale of each whole 10 ms."""
    frames = signal_of(samples[: samples.size // FRAME * FRAME]).reshape(-1, FRAME)
    power = frames.var(axis=1)
    decibels: Decibels = np.maximum(10 * np.log10(power + 1e-10), DEAD_DB).astype(np.float32)
    return decibels


def keep_loudness(sound: Path, out: Path) -> None:
    """Write `loudness_of` the whole file as a NumPy file of half precision, a minute in memory at a time.

    Raises ArtifactMissing where the sound cannot be read.
    """
    length_s = duration_of(sound)
    minutes = [loudness_of(read_samples(sound, at_s, min(at_s + MINUTE_S, length_s))) for at_s in np.arange(0, length_s, MINUTE_S)]
    np.save(out, np.concatenate([np.empty(0, np.float32), *minutes]).astype(np.float16))


def kept_loudness(file: Path, start_s: float, end_s: float) -> Decibels:
    """What `keep_loudness` wrote, of the span, clipped to the file."""
    kept = np.load(file, mmap_mode="r")
    decibels: Decibels = kept[max(0, round(start_s / FRAME_S)) : max(0, round(end_s / FRAME_S))].astype(np.float32)
    return decibels


def loud_frames(loudness: Decibels, depth_db: float = np.inf) -> Mask:
    """True where there is sound rather than background, judged within about a minute around each frame.

    `depth_db`: what lies further below the loudest hundredth is background too, however silent the room.
    """
    loud = np.zeros(loudness.size, bool)
    for first in range(0, loudness.size, NEIGHBOURHOOD):
        around = loudness[max(0, first - NEIGHBOURHOOD // 2) : first + NEIGHBOURHOOD * 3 // 2]
        floor, top = np.percentile(around, 5), np.percentile(around, 99)
        if top - floor < SPREAD_DB:
            # One level throughout: all of it is background where it is faint, all of it is sound where it is not.
            loud[first : first + NEIGHBOURHOOD] = top > DEAD_DB / 2
        else:
            least = max(floor + THRESHOLD * (top - floor), top - depth_db)
            loud[first : first + NEIGHBOURHOOD] = loudness[first : first + NEIGHBOURHOOD] > least
    return loud


def silences_of(loud: Mask, least_s: float) -> list[Silence]:
    """Stretches without sound of at least `least_s`, in order."""
    edges = np.flatnonzero(np.diff(np.concatenate(([True], loud, [True])).astype(np.int8)))
    return [Silence(int(a), int(b)) for a, b in edges.reshape(-1, 2) if (b - a) * FRAME_S >= least_s]
