"""What is heard beyond words, on a talk whose truth is known: voices told apart, pitch, and no applause where there is none.

    python -m bench.sound TALK_DIR [--json]

TALK_DIR holds talk.mp4 and truth.json. The diarisation error is the share of speech time under the wrong label, after the
labels are matched with the speakers as well as can be. Pitch is measured on synthetic voices whose pitch is known, in
still air and in noise as loud as a tenth of the voice's power.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.report import Figure, Part, at_most, show
from bench.truth import Said, Truth, read_truth
from cutroom.contracts.documents import Sentence
from cutroom.media.ffmpeg import locate
from cutroom.speech.pitch import pitch_of
from cutroom.speech.prosody import SentenceSound, sentence_sounds
from cutroom.speech.sound import RATE, duration_of
from cutroom.speech.voices import voices_of

# CPU seconds for one hour of sound: 3 for ten minutes.
CPU_PER_HOUR = 18.0
# Semitones beyond which a pitch is not merely inexact but another one.
SLIP_ST = 3.0
HEARD = 0.5


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure what is heard beyond words, on a talk whose truth is known.")
    parser.add_argument("talk", type=Path, metavar="TALK_DIR", help="a folder with talk.mp4 and truth.json")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    return show(measure(arguments.talk), arguments.json)


def measure(talk: Path) -> Part:
    """Every figure, of one talk."""
    truth = read_truth(talk / "truth.json")
    with tempfile.TemporaryDirectory(prefix="cutroom-bench-") as place:
        sound = Path(place) / "sound.flac"
        _extract(talk / "talk.mp4", sound)
        return Part("sound", [talk.name], [*_voices(sound, truth), *_pitch(), *_sounds(sound, truth)])


def _extract(video: Path, sound: Path) -> None:
    convert = ["-v", "error", "-i", str(video), "-vn", "-ac", "1", "-ar", str(RATE), str(sound)]
    subprocess.run([str(locate()), *convert], check=True)


def _voices(sound: Path, truth: Truth) -> list[Figure]:
    hours = duration_of(sound) / 3600
    voices_of(sound, _sentences(truth.sentences[:1]))  # what is loaded once is no part of an hour's CPU
    began_s = time.process_time()
    labels = voices_of(sound, _sentences(truth.sentences))
    spent_s = time.process_time() - began_s
    others = {
        "one speaker always": error(truth.sentences, [0] * len(labels)),
        "another each sentence": error(truth.sentences, [i % 2 for i in range(len(labels))]),
    }
    cast = sorted({said.by for said in truth.sentences})
    alone = [len(set(voices_of(sound, _sentences([s for s in truth.sentences if s.by == who])))) for who in cast]
    return [
        at_most("speech under the wrong speaker", error(truth.sentences, labels), 5, "%", others),
        at_most("speakers found, beyond or short of the true ones", abs(len(set(labels)) - len(cast)), 0),
        at_most("voices found in the sentences of one speaker, the most", max(alone), 1),
        at_most("CPU to tell voices apart, an hour of sound", spent_s / hours, CPU_PER_HOUR, "s"),
    ]


def error(sentences: Sequence[Said], labels: Sequence[int]) -> float:
    """Per cent of speech time whose label is not its speaker's, in the best matching of labels with speakers."""
    cast, voices = sorted({said.by for said in sentences}), sorted(set(labels))
    time_of = np.zeros((max(len(cast), len(voices)),) * 2)
    for said, label in zip(sentences, labels, strict=True):
        time_of[cast.index(said.by), voices.index(label)] += said.end_s - said.start_s
    size = range(len(time_of))
    right = max(sum(time_of[i, order[i]] for i in size) for order in permutations(size))
    return float(100 * (1 - right / time_of.sum()))


def _sounds(sound: Path, truth: Truth) -> list[Figure]:
    hours = duration_of(sound) / 3600
    began_s = time.process_time()
    heard = sentence_sounds(sound, _sentences(truth.sentences))
    spent_s = time.process_time() - began_s
    return [
        at_most("CPU for the sound of sentences, an hour of sound", spent_s / hours, CPU_PER_HOUR, "s"),
        at_most("laughter heard where nobody laughs, of the pauses", _share(heard, "laughter"), 2, "%"),
        at_most("applause heard where nobody claps, of the pauses", _share(heard, "applause"), 2, "%"),
    ]


def _share(heard: Sequence[SentenceSound], reaction: str) -> float:
    return 100 * float(np.mean([getattr(each, reaction) >= HEARD for each in heard]))


def _pitch() -> list[Figure]:
    rng = np.random.default_rng(1)
    errors = {name: np.concatenate([_errors(hz, noise, rng) for hz in np.geomspace(70, 450, 16)]) for name, noise in _AIR.items()}
    return [
        figure
        for name, found in errors.items()
        for figure in (
            at_most(f"pitch of a synthetic voice in {name}, median error", 100 * float(np.nanmedian(found)), 20, "cents"),
            at_most(f"  wrong by more than {SLIP_ST:g} semitones", 100 * float(np.mean(found > SLIP_ST)), 2, "%"),
            Figure("  not heard as voiced", 100 * float(np.isnan(found).mean()), "%"),
        )
    ]


_AIR = {"still air": 0.0, "noise": 0.1}


def _errors(pitch_hz: float, noise: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Semitones beside the truth of each 10 ms of two seconds around a pitch; nan where none is heard."""
    wander = 2 * np.sin(np.linspace(0, 9, 2 * RATE)) + np.cumsum(rng.normal(0, 0.002, 2 * RATE))
    true_hz = pitch_hz * 2 ** (wander / 12)
    phase, voice = 2 * np.pi * np.cumsum(true_hz) / RATE, np.zeros(2 * RATE)
    formants = rng.uniform((300, 900, 2200), (750, 1900, 2800))
    for harmonic in range(1, int(4000 / true_hz.min()) + 1):
        strength = sum(1 / (1 + ((harmonic * true_hz - hz) / 80) ** 2) for hz in formants)
        voice += strength / np.sqrt(harmonic) * np.sin(harmonic * phase)
    voice *= 0.1 / voice.std()
    found = pitch_of((voice + rng.normal(0, 0.1 * np.sqrt(noise), voice.size)).astype(np.float32)).astype(float)
    middle = true_hz[RATE // 200 :: RATE // 100][: found.size]
    with np.errstate(divide="ignore"):
        apart = np.abs(12 * np.log2(found / middle))
    return np.where(found > 0, apart, np.nan)


def _sentences(said: Sequence[Said]) -> list[Sentence]:
    words = [len(each.text.split()) for each in said]
    return [
        Sentence(text=each.text, start_s=each.start_s, end_s=each.end_s, first_word=0, last_word=count)
        for each, count in zip(said, words, strict=True)
    ]


if __name__ == "__main__":
    sys.exit(main())
