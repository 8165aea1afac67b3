"""The recogniser for sound whose text is known: each caption's words are found in the sound around it.

Times of a caption bound the error. A few captions between two pauses are aligned alone; where no pause is at their edges, or
they do not fit, together with those on either side, so that what is said just outside has words to go to. A caption that
still does not fit is tried with its neighbours, then alone and with words that may be wrong, and at last its words are spread
over the loud parts of its own time.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cutroom.contracts.documents import Cue, Cues, TranscriptPart, Word
from cutroom.contracts.media import SpeechChunk
from cutroom.speech.align import DEPTH_DB, NOISE_SCORE, Timed
from cutroom.speech.aligners import aligners
from cutroom.speech.language import base_language, language_of
from cutroom.speech.recogniser import Told
from cutroom.speech.sound import FRAME_S, RATE, Samples, duration_of, loud_frames, loudness_of, read_samples, silences_of
from cutroom.speech.words import spoken_form, written_words

# How far captions may be off: people caption by eye, players lead.
MARGIN_S = 1.2
# Without neighbours, the less of their sound the better; and it must be quiet at the edges.
NARROW_S = 0.3
QUIET_S = 0.1
WINDOW_S = 15.0
NEIGHBOURS = 2
# Sound that no word claims: a breath is shorter, a word longer.
LEFT_OVER_S = 0.2
# Mean log-likelihood ratio per frame of a caption: right text gave -1.1 to -3.3 (two words alone -4.1), wrong text -3.5
# to -5.4.
LEAST_SCORE = -4.2
# The same of one word: 5% of right words lie below, and 75% of wrong ones.
LEAST_WORD_SCORE = -4.5
# Of a caption with wrong words so many must be right for their times to be trusted.
MOST_WRONG = 0.5
ESTIMATED_CONFIDENCE = 0.3
SHORTEST_S = 0.02
# Captions that overlap by more are said at the same time.
OVERLAP_S = 0.5
MOVED_S = 0.3

Times = Sequence[Timed | None]


class CaptionsRecogniser:
    """Words with times for the captions `first_cue:last_cue` of a chunk."""

    def __init__(self, cues: Cues) -> None:
        self._cues = cues.cues

    def transcribe(self, sound: Path, chunk: SpeechChunk, language: str, told: Told) -> TranscriptPart:
        """One word per written word, in order, not overlapping. Raises ArtifactMissing where the sound cannot be read."""
        language = base_language(language) or language_of(Cues(cues=self._cues), chunk.first_cue, chunk.last_cue)
        total_s = duration_of(sound)
        found = self._found_together(sound, chunk.first_cue, chunk.last_cue, language)
        told(0.5)
        words: list[Word] = []
        for index in range(chunk.first_cue, chunk.last_cue):
            cue = self._cues[index]
            times = found.get(index) or self._found_singly(sound, index, language)
            words = merged(words, timed_words(cue, times) if times else estimated_words(cue, sound, total_s))
            told(0.5 + 0.5 * (index + 1 - chunk.first_cue) / (chunk.last_cue - chunk.first_cue))
        return TranscriptPart(engine="captions", language=language, words=in_order(words))

    def _windows(self, first: int, last: int) -> list[tuple[int, int]]:
        """Captions `first:last` a quarter of a minute at a time."""
        windows: list[tuple[int, int]] = []
        for index in range(first, last):
            if windows and self._cues[index].end_s - self._cues[windows[-1][0]].start_s <= WINDOW_S:
                windows[-1] = (windows[-1][0], index + 1)
            else:
                windows.append((index, index + 1))
        return windows

    def _found_together(self, sound: Path, first: int, last: int, language: str) -> dict[int, Times]:
        """Times of the captions `first:last` that fit: of a window alone, and of the windows between such with their neighbours."""
        found: dict[int, Times] = {}
        left: list[tuple[int, int]] = []
        for begin, end in self._windows(first, last):
            alone = self._found_alone(sound, begin, end, language)
            if alone:
                found |= alone
            elif left and left[-1][1] == begin:
                left[-1] = (left[-1][0], end)
            else:
                left.append((begin, end))
        for begin, end in left:
            found |= self._found_near(sound, begin, end, NEIGHBOURS, language)
        return found

    def _found_alone(self, sound: Path, first: int, last: int, language: str) -> dict[int, Times]:
        """Times of all captions `first:last`, found between two pauses; empty where not all fit what is said there."""
        start_s, samples = self._sound_of(sound, first, last, NARROW_S)
        if not stands_alone(samples):
            return {}
        found = self._fitting(start_s, samples, first, last, language)
        times = [time for times in found.values() for time in times]
        return found if len(found) == last - first and tells_all(start_s, samples, times) else {}

    def _found_near(self, sound: Path, first: int, last: int, more: int, language: str) -> dict[int, Times]:
        """Times of those of the captions `first:last` that fit where they are aligned with so many `more` on either side."""
        before, after = max(0, first - more), min(len(self._cues), last + more)
        start_s, samples = self._sound_of(sound, before, after, MARGIN_S)
        found = self._fitting(start_s, samples, before, after, language)
        return {index: times for index, times in found.items() if first <= index < last}

    def _found_singly(self, sound: Path, index: int, language: str) -> Times | None:
        """Times of one caption, found with its neighbours, or alone with some of its words wrong; None where it does not fit."""
        found = self._found_near(sound, index, index + 1, 1, language)
        if found:
            return found[index]
        start_s, samples = self._sound_of(sound, index, index + 1, NARROW_S)
        times = self._aligned(start_s, samples, index, index + 1, language, strict=False)[index]
        right = [time if time and time.score >= LEAST_WORD_SCORE else None for time in times]
        return right if sum(time is None for time in right) <= MOST_WRONG * len(right) and any(right) else None

    def _sound_of(self, sound: Path, first: int, last: int, margin_s: float) -> tuple[float, Samples]:
        """The sound around captions `first:last`, and when it begins."""
        cues = self._cues[first:last]
        start_s = round(max(0.0, cues[0].start_s - margin_s) * RATE) / RATE
        return start_s, read_samples(sound, start_s, max(cue.end_s for cue in cues) + margin_s)

    def _fitting(self, start_s: float, samples: Samples, first: int, last: int, language: str) -> dict[int, Times]:
        """Times of those of the captions `first:last` that fit where all of them are aligned at once."""
        by_cue = self._aligned(start_s, samples, first, last, language)
        return {index: times for index, times in by_cue.items() if fits(self._cues[index], times)}

    def _aligned(
        self, start_s: float, samples: Samples, first: int, last: int, language: str, *, strict: bool = True
    ) -> dict[int, Times]:
        texts = [written_words(cue.text) for cue in self._cues[first:last]]
        times = aligners().align(samples, [word for text in texts for word in text], language, strict=strict)
        moved = iter([time and time.later(start_s) for time in times])
        return {index: [next(moved) for _ in text] for index, text in enumerate(texts, first)}


def stands_alone(samples: Samples) -> bool:
    """Whether it is quiet at both edges, so that no word is cut in two."""
    loud = loud_frames(loudness_of(samples))
    edge = round(QUIET_S / FRAME_S)
    return not (loud[:edge].any() or loud[-edge:].any())


def tells_all(start_s: float, samples: Samples, times: Times) -> bool:
    """Whether hardly any of the sound is left over once the words have theirs."""
    loud = loud_frames(loudness_of(samples), DEPTH_DB)
    for time in times:
        if time:
            loud[max(0, round((time.start_s - start_s) / FRAME_S)) : round((time.end_s - start_s) / FRAME_S)] = False
    return all(last - first <= LEFT_OVER_S / FRAME_S for first, last in silences_of(~loud, 0.0))


def fits(cue: Cue, times: Times) -> bool:
    """Whether the times found are likely those of this caption: near it, and sounding like it."""
    known = [time for time in times if time]
    if not known or known[0].start_s < cue.start_s - MARGIN_S or known[-1].end_s > cue.end_s + MARGIN_S:
        return False
    lengths = [time.end_s - time.start_s for time in known]
    return float(np.average([time.score for time in known], weights=lengths)) >= LEAST_SCORE


def is_stray(cue: Cue, time: Timed) -> bool:
    """Whether a word was found in noise outside its caption's own time: in a breath, or in the end of another word."""
    return time.score <= NOISE_SCORE and (time.end_s <= cue.start_s or time.start_s >= cue.end_s)


def timed_words(cue: Cue, times: Times) -> list[Word]:
    """The caption's words at the times found; words that were not found share the time between their neighbours."""
    words: list[Word] = []
    texts = written_words(cue.text)
    times = [None if time and is_stray(cue, time) else time for time in times]
    for index, (text, time) in enumerate(zip(texts, times, strict=True)):
        if time:
            # -1 is as good as it gets.
            confidence = round(min(1.0, max(0.0, (5 + time.score) / 4)), 3)
            words.append(Word(text=text, start_s=time.start_s, end_s=time.end_s, confidence=confidence, speaker=cue.speaker))
            continue
        start_s = words[-1].end_s if words else min([cue.start_s, *(time.start_s for time in times if time)])
        until = next(((at, time.start_s) for at, time in enumerate(times[index:]) if time), (len(texts) - index, cue.end_s))
        end_s = start_s + max(0.0, until[1] - start_s) / until[0]
        words.append(
            Word(text=text, start_s=start_s, end_s=end_s, confidence=ESTIMATED_CONFIDENCE, speaker=cue.speaker, aligned=False)
        )
    return words


def estimated_words(cue: Cue, sound: Path, total_s: float) -> list[Word]:
    """The caption's words spread over the loud parts of its time by their length in letters."""
    texts = written_words(cue.text)
    start_s, end_s = cue.start_s, max(cue.start_s + SHORTEST_S, min(cue.end_s, total_s))
    loud = loud_frames(loudness_of(read_samples(sound, start_s, end_s)))
    frames = np.flatnonzero(loud) if loud.any() else np.arange(max(1, round((end_s - start_s) / FRAME_S)))
    shares = np.cumsum([0.0] + [len(spoken_form(text)) + 1.0 for text in texts])
    marks = shares / shares[-1] * frames.size
    starts = frames[np.minimum(marks[:-1].astype(int), frames.size - 1)]
    ends = frames[np.maximum(np.ceil(marks[1:]).astype(int) - 1, 0)] + 1
    return [
        Word(
            text=text,
            start_s=start_s + int(first) * FRAME_S,
            end_s=start_s + int(last) * FRAME_S,
            confidence=ESTIMATED_CONFIDENCE,
            speaker=cue.speaker,
            aligned=False,
        )
        for text, first, last in zip(texts, starts, ends, strict=True)
    ]


def merged(words: Sequence[Word], more: Sequence[Word]) -> list[Word]:
    """The words of captions and of the next one. Where that one is said during them all words follow their times.

    Captions that overlap only a little stay as written: their times are not so exact.
    """
    if words and more and more[0].start_s < words[-1].start_s - OVERLAP_S and more[-1].start_s < words[-1].start_s:
        return sorted([*words, *more], key=lambda word: word.start_s)
    return [*words, *more]


def in_order(words: Sequence[Word]) -> list[Word]:
    """The same words, each ending before the next begins and none shorter than 20 ms; times in milliseconds.

    A word that must be moved by more than `MOVED_S` is not where it is said any more, and so is not `aligned`.
    """
    ordered: list[Word] = []
    for word in words:
        start_s = word.start_s
        if ordered and start_s < ordered[-1].end_s:
            before = ordered[-1]
            end_s = max(before.start_s + SHORTEST_S, start_s)
            ordered[-1] = before.model_copy(update={"end_s": round(end_s, 3)})
            start_s = max(start_s, end_s)
        end_s = max(word.end_s, start_s + SHORTEST_S)
        aligned = word.aligned and start_s - word.start_s <= MOVED_S
        ordered.append(word.model_copy(update={"start_s": round(start_s, 3), "end_s": round(end_s, 3), "aligned": aligned}))
    return ordered
