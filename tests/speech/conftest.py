"""Half a minute of two synthetic voices whose every word's time is known, as the pipeline hears it."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from cutroom.contracts.documents import Cue, Cues
from cutroom.local.sample_speech import RATE as SPOKEN_RATE
from cutroom.local.sample_speech import SpokenWord, speak_talk
from cutroom.media.ffmpeg import locate
from cutroom.speech.sound import RATE


@dataclass(frozen=True)
class Talk:
    """`sound`: 16 kHz FLAC. `words` and `cues` (a caption a sentence) are the truth."""

    sound: Path
    words: list[SpokenWord]
    cues: Cues
    length_s: float


def write_sound(path: Path, samples: NDArray[np.float64]) -> Path:
    """Samples between -1 and 1 at 16 kHz, as FLAC."""
    soundfile.write(path, samples, RATE, subtype="PCM_16")
    return path


@pytest.fixture(scope="session")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Talk:
    speech = speak_talk(30, 1)
    folder = tmp_path_factory.mktemp("talk")
    soundfile.write(folder / "spoken.wav", speech.sound, SPOKEN_RATE)
    convert = ["-v", "error", "-i", str(folder / "spoken.wav"), "-ar", str(RATE), str(folder / "sound.flac")]
    subprocess.run([str(locate()), *convert], check=True, timeout=60)
    cues = [Cue(start_s=line.start_s, end_s=line.end_s, text=line.line.text) for line in speech.lines]
    return Talk(folder / "sound.flac", speech.words, Cues(cues=cues), speech.sound.size / SPOKEN_RATE)
