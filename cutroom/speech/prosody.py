"""What the sound of each sentence says beyond its words: how loud, how high, how fast, and how the room answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cutroom.contracts.documents import Sentence
from cutroom.speech.pitch import pitch_of
from cutroom.speech.reactions import Heard, Reaction, reaction_in
from cutroom.speech.sound import RATE, Samples, Signal, duration_of, loudness_of, read_samples, signal_of
from cutroom.speech.spectra import mel_power

FAINTEST = 1e-8
# What is read of one sentence at most, and of the pause after it.
LONGEST_S = 60.0
ANSWER_S = 4.0
SHORTEST_S = 0.05


@dataclass(frozen=True)
class SentenceSound:
    """The sound of one sentence.

    `loudness_db`: RMS against that of all sentences, -60 to 60; `loudness_change_db`: its last third against its first.
    `pitch_hz`: median of what is voiced, 0 where nothing is; `pitch_range_st`: semitones between its tenth and ninetieth
    hundredth. `words_per_s`: over the sentence's own time. `pause_before_s`, `pause_after_s`: to its neighbours in time,
    to begin and end of the sound for the outermost. `laughter`, `applause`: likelihoods, 0 to 1, in the pause after it.

    The choice of clips reads all but `pitch_hz`, which tells who speaks and not how, and the two pauses: it needs those around
    the parts of sentences, too, and of several short ones, that its passages are made of.
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


class _Measured(NamedTuple):
    """`power`: mean square. `quiet_db`: what only a twentieth of the frames is fainter than; None outside the sound."""

    power: float
    seconds: float
    change_db: float
    pitch_hz: float
    range_st: float
    quiet_db: float | None
    reaction: Reaction


def sentence_sounds(
    sound: Path, sentences: Sequence[Sentence], on_sentence: Callable[[int], None] = lambda _: None
) -> list[SentenceSound]:
    """The sound of each sentence, in the order given. Reads one sentence at a time, and then tells `on_sentence` that it was one.
    Raises ArtifactMissing.
    """
    pauses = _pauses(sentences, duration_of(sound))
    measured = []
    for sentence, (_, pause_s) in zip(sentences, pauses, strict=True):
        measured.append(_measure(sound, sentence, pause_s))
        on_sentence(1)
    overall = sum(m.power * m.seconds for m in measured) / max(sum(m.seconds for m in measured), 1e-9)
    quiet = [m.quiet_db for m in measured if m.quiet_db is not None]
    background_db = float(np.median(quiet)) if quiet else 0.0
    return [
        SentenceSound(
            loudness_db=_decibels(m.power, overall),
            loudness_change_db=m.change_db,
            pitch_hz=m.pitch_hz,
            pitch_range_st=m.range_st,
            words_per_s=(sentence.last_word - sentence.first_word) / max(sentence.end_s - sentence.start_s, SHORTEST_S),
            pause_before_s=before,
            pause_after_s=after,
            laughter=m.reaction.laughter,
            applause=m.reaction.applause * _prominence(m.reaction.applause_db, background_db, _decibels(overall, 1.0)),
        )
        for sentence, m, (before, after) in zip(sentences, measured, pauses, strict=True)
    ]


def _measure(sound: Path, sentence: Sentence, pause_s: float) -> _Measured:
    samples = read_samples(sound, sentence.start_s, min(sentence.end_s, sentence.start_s + LONGEST_S))
    signal = signal_of(samples)
    after = read_samples(sound, sentence.end_s, sentence.end_s + min(pause_s, ANSWER_S))
    levels = np.concatenate([loudness_of(samples), loudness_of(after)])
    pitch_hz, range_st = _pitch(signal)
    third = signal.size // 3
    return _Measured(
        power=_power(signal),
        seconds=signal.size / RATE,
        change_db=_decibels(_power(signal[signal.size - third :]), _power(signal[:third])),
        pitch_hz=pitch_hz,
        range_st=range_st,
        quiet_db=float(np.percentile(levels, 5)) if levels.size else None,
        reaction=_reaction(after),
    )


def _reaction(samples: Samples) -> Reaction:
    signal = signal_of(samples)
    return reaction_in(Heard(loudness_of(samples), pitch_of(signal), mel_power(signal)))


def _prominence(level_db: float, background_db: float, speech_db: float) -> float:
    """0 for what is no louder than the room always is, or far below the talk, to 1."""
    return float(np.clip(min((level_db - background_db - 6) / 6, (level_db - speech_db + 30) / 10), 0, 1))


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
