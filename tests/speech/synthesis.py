"""Sounds made for tests, 16 kHz, between -1 and 1: voices, laughs and applause, drawn from a seed."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cutroom.contracts.documents import Sentence
from cutroom.speech.sound import RATE

Sound = NDArray[np.float64]
VOWELS = [(730, 1090, 2440), (530, 1840, 2480), (390, 1990, 2550), (660, 1720, 2410), (570, 840, 2410), (440, 1020, 2240)]


def tone(pitch_hz: float | Sound, seconds: float, formants: Sequence[float] = (500, 1500, 2500), level: float = 0.1) -> Sound:
    """A voiced sound of all harmonics up to 4 kHz, shaped by formants. `pitch_hz`: one, or one for each sample."""
    frequency = np.broadcast_to(np.asarray(pitch_hz, float), round(seconds * RATE))
    phase = 2 * np.pi * np.cumsum(frequency) / RATE
    sound = np.zeros(frequency.size)
    for harmonic in range(1, int(4000 / frequency.min()) + 1):
        hz = harmonic * frequency
        strength = sum(1 / (1 + ((hz - formant) / 90) ** 2) for formant in formants)
        sound += np.where(hz < 4000, strength / harmonic**0.5, 0) * np.sin(harmonic * phase)
    return level * sound / np.sqrt((sound**2).mean())


def speech(seconds: float, pitch_hz: float, tract: float, rng: np.random.Generator, level: float = 0.1) -> Sound:
    """Syllables of random vowels with consonants of noise between. `tract`: what scales the formants, 1 for a man."""
    parts: list[Sound] = []
    while sum(part.size for part in parts) < seconds * RATE:
        length_s = rng.uniform(0.12, 0.3)
        glide = pitch_hz * 2 ** (np.linspace(*rng.normal(0, 1.2, 2), round(length_s * RATE)) / 12)
        vowel = tone(glide, length_s, [tract * hz * rng.normal(1, 0.03) for hz in VOWELS[rng.integers(len(VOWELS))]])
        parts.append(vowel * np.sin(np.linspace(0, np.pi, vowel.size)) ** 0.5)
        parts.append(rng.normal(0, 0.02, round(rng.uniform(0.03, 0.1) * RATE)))
    sound = np.concatenate(parts)[: round(seconds * RATE)]
    return level * sound / np.sqrt((sound**2).mean())


def applause(seconds: float, rng: np.random.Generator, level: float = 0.05) -> Sound:
    """Hundreds of claps a second: bursts of noise around 1 to 3 kHz that die away within 30 ms."""
    sound = np.zeros(round(seconds * RATE))
    for start in rng.integers(0, sound.size - 500, round(400 * seconds)):
        time = np.arange(480) / RATE
        hum = np.cos(2 * np.pi * rng.uniform(1000, 3000) * time)
        sound[start : start + 480] += rng.uniform(0.3, 1) * rng.normal(0, 1, 480) * hum * np.exp(-time / 0.006)
    return level * sound / np.sqrt((sound**2).mean())


def laugh(seconds: float, rng: np.random.Generator, calls_per_s: float = 5.0, pitch_hz: float = 320.0) -> Sound:
    """Calls of 80 ms at a falling pitch, breath between them."""
    sound = rng.normal(0, 0.001, round(seconds * RATE))
    for number in range(int(seconds * calls_per_s)):
        start = round(number / calls_per_s * RATE)
        call = tone(pitch_hz * rng.uniform(0.9, 1.1) * np.linspace(1.1, 0.9, 1280), 0.08, (700, 1400, 2600))
        call *= np.hanning(1280)
        sound[start : start + call.size] += call[: sound.size - start]
    return sound


def silence(seconds: float, rng: np.random.Generator) -> Sound:
    """A still room."""
    return rng.normal(0, 0.0003, round(seconds * RATE))


def talk_of(parts: Sequence[tuple[Sound, float]], rng: np.random.Generator) -> tuple[Sound, list[Sentence]]:
    """Sentences of six words, each followed by so many seconds of a still room, after half a second of it."""
    pieces, sentences, now = [silence(0.5, rng)], [], 0.5
    for number, (said, pause_s) in enumerate(parts):
        seconds = said.size / RATE
        sentences.append(sentence(now, now + seconds, 6 * number))
        pieces += [said, silence(pause_s, rng)]
        now += seconds + pause_s
    return np.concatenate(pieces), sentences


def sentence(start_s: float, end_s: float, first_word: int = 0, speaker: str | None = None) -> Sentence:
    return Sentence(
        text="One two three four five six.",
        start_s=start_s,
        end_s=end_s,
        first_word=first_word,
        last_word=first_word + 6,
        speaker=speaker,
    )
