"""What the sound of each sentence says beyond its words: how loud, how high, how fast, and how the room answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from cutroom.contracts.documents import Sentence
from cutroom.speech.pitch import pitch_of
from cutroom.speech.sound import RATE, Signal, duration_of, read_samples, signal_of

FAINTEST = 1e-8


@dataclass(frozen=True)
class SentenceSound:
    """The sound of one sentence. What lies outside the sound, or is silent, has loudness -60, pitch 0 and no reaction.

    `loudness_db`: RMS against that of all sentences; `loudness_change_db`: its last third against its first.
    `pitch_hz`: median of what is voiced, 0 where nothing is; `pitch_range_st`: semitones between its tenth and ninetieth
    hundredth. `words_per_s`: over the sentence's own time. `pause_before_s`, `pause_after_s`: to its neighbours in time,
    to begin and end of the sound for the outermost. `laughter`, `applause`: likelihoods, 0 to 1, in the sentence or in the
    pause after it.
    """

    loudness_db: float
    loudness_change_db: float
    pitch_hz: float
    pitch_range_st: float
    words_per_s: float
    pause_before_s: float
    pause_after_s: float
    laughter: float
    applause: float


def sentence_sounds(sound: Path, sentences: Sequence[Sentence]) -> list[SentenceSound]:
    """The sound of each sentence, in their order. Reads a sentence at a time. Raises ArtifactMissing."""
    pauses = _pauses(sentences, duration_of(sound))
    heard = [_heard(sound, sentence) for sentence in sentences]
    total = sum(power * seconds for power, _, _, seconds in heard) / max(sum(seconds for *_, seconds in heard), 1e-9)
    return [
        SentenceSound(
            loudness_db=_decibels(power, total),
            loudness_change_db=change,
            pitch_hz=pitch[0],
            pitch_range_st=pitch[1],
            words_per_s=(sentence.last_word - sentence.first_word) / max(sentence.end_s - sentence.start_s, 0.05),
            pause_before_s=before,
            pause_after_s=after,
            laughter=0.0,
            applause=0.0,
        )
        for sentence, (power, change, pitch, _), (before, after) in zip(sentences, heard, pauses, strict=True)
    ]


def _heard(sound: Path, sentence: Sentence) -> tuple[float, float, tuple[float, float], float]:
    """Mean power, change in dB, pitch and its range, seconds."""
    samples = signal_of(read_samples(sound, sentence.start_s, sentence.end_s))
    third = samples.size // 3
    change = _decibels(_power(samples[samples.size - third :]), _power(samples[:third])) if third else 0.0
    return _power(samples), change, _pitch(samples), samples.size / RATE


def _pitch(samples: Signal) -> tuple[float, float]:
    pitch = pitch_of(samples)
    voiced = pitch[pitch > 0]
    if not voiced.size:
        return 0.0, 0.0
    low, middle, high = np.percentile(voiced, (10, 50, 90))
    return float(middle), float(12 * np.log2(high / low))


def _power(samples: Signal) -> float:
    return float(samples.var()) if samples.size else 0.0


def _decibels(power: float, reference: float) -> float:
    return float(np.clip(10 * np.log10(max(power, FAINTEST) / max(reference, FAINTEST)), -60, 60))


def _pauses(sentences: Sequence[Sentence], duration_s: float) -> list[tuple[float, float]]:
    """Seconds before and after each sentence, whatever their order."""
    order = sorted(range(len(sentences)), key=lambda i: sentences[i].start_s)
    if not order:
        return []
    gaps = [max(0.0, sentences[b].start_s - sentences[a].end_s) for a, b in pairwise(order)]
    first, last = max(0.0, sentences[order[0]].start_s), max(0.0, duration_s - sentences[order[-1]].end_s)
    around = zip([first, *gaps], [*gaps, last], strict=True)
    placed = dict(zip(order, around, strict=True))
    return [placed[i] for i in range(len(sentences))]
