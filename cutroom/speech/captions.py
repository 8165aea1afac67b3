"""The recogniser for sound whose text is known: each caption's words are found in the sound around it.

Times of a caption bound the error. A chunk's captions are aligned together with one more on either side, so that what
is said just outside has words to go to. A caption that does not fit is tried with its neighbours, then alone, and at
last its words are spread over the loud parts of its own time.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from cutroom.contracts.documents import Cue, Cues, TranscriptPart, Word
from cutroom.contracts.media import SpeechChunk
from cutroom.speech.align import Timed, aligner
from cutroom.speech.language import base_language, guess_language
from cutroom.speech.recogniser import Told
from cutroom.speech.sound import FRAME_S, RATE, duration_of, loud_frames, loudness_of, read_samples
from cutroom.speech.words import spoken_form, written_words

# How far captions may be off: people caption by eye, players lead.
MARGIN_S = 1.2
# Without neighbours, the less of their sound the better.
NARROW_S = 0.3
# Mean log-likelihood ratio per frame of a caption: right text gave -1.1 to -3.3, wrong text -3.5 to -5.4.
LEAST_SCORE = -4.0
ESTIMATED_CONFIDENCE = 0.3
SHORTEST_S = 0.02


class CaptionsRecogniser:
    """Words with times for the captions `first_cue:last_cue` of a chunk."""

    def __init__(self, cues: Cues) -> None:
        self._cues = cues.cues

    def transcribe(self, sound: Path, chunk: SpeechChunk, language: str, told: Told) -> TranscriptPart:
        """One word per written word, in order, not overlapping. Raises ArtifactMissing where the sound cannot be read."""
        language = base_language(language) or guess_language(Cues(cues=self._cues))
        own = range(chunk.first_cue, chunk.last_cue)
        total_s = duration_of(sound)
        found = self._found(sound, chunk.first_cue - 1, chunk.last_cue + 1, own, language)
        words: list[Word] = []
        for done, index in enumerate(own, 1):
            times = (
                found.get(index)
                or self._found(sound, index - 1, index + 2, [index], language).get(index)
                or self._found(sound, index, index + 1, [index], language, NARROW_S).get(index)
            )
            cue = self._cues[index]
            words += timed_words(cue, times) if times else estimated_words(cue, sound, total_s)
            told(done / len(own))
        return TranscriptPart(engine="captions", language=language, words=in_order(words))

    def _found(
        self, sound: Path, first: int, last: int, wanted: Iterable[int], language: str, margin_s: float = MARGIN_S
    ) -> dict[int, list[Timed | None]]:
        """Times of each wanted caption that is found where captions `first:last` are aligned together."""
        first, last = max(0, first), min(len(self._cues), last)
        cues = self._cues[first:last]
        start_s = round(max(0.0, cues[0].start_s - margin_s) * RATE) / RATE
        samples = read_samples(sound, start_s, max(cue.end_s for cue in cues) + margin_s)
        texts = [written_words(cue.text) for cue in cues]
        times = aligner().align(samples, [word for text in texts for word in text], language)
        moved = iter([time and time._replace(start_s=time.start_s + start_s, end_s=time.end_s + start_s) for time in times])
        by_cue = {index: [next(moved) for _ in text] for index, text in enumerate(texts, first)}
        return {index: by_cue[index] for index in wanted if fits(self._cues[index], by_cue[index])}


def fits(cue: Cue, times: Sequence[Timed | None]) -> bool:
    """Whether the times found are likely those of this caption: near it, and sounding like it."""
    known = [time for time in times if time]
    if not known or known[0].start_s < cue.start_s - MARGIN_S or known[-1].end_s > cue.end_s + MARGIN_S:
        return False
    lengths = [time.end_s - time.start_s for time in known]
    return float(np.average([time.score for time in known], weights=lengths)) >= LEAST_SCORE


def timed_words(cue: Cue, times: Sequence[Timed | None]) -> list[Word]:
    """The caption's words at the times found; a word without a sound of its own goes between its neighbours."""
    words = []
    end_s = next(time.start_s for time in times if time)
    for text, time in zip(written_words(cue.text), times, strict=True):
        if time:
            # -1 is as good as it gets, -5 is noise.
            confidence = round(min(1.0, max(0.0, (5 + time.score) / 4)), 3)
            words.append(Word(text=text, start_s=time.start_s, end_s=time.end_s, confidence=confidence, speaker=cue.speaker))
        else:
            words.append(
                Word(text=text, start_s=end_s, end_s=end_s, confidence=ESTIMATED_CONFIDENCE, speaker=cue.speaker, aligned=False)
            )
        end_s = words[-1].end_s
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


def in_order(words: Sequence[Word]) -> list[Word]:
    """The same words, each ending before the next begins and none shorter than 20 ms; times in milliseconds."""
    ordered: list[Word] = []
    for word in words:
        start_s = word.start_s
        if ordered and start_s < ordered[-1].end_s:
            before = ordered[-1]
            end_s = max(before.start_s + SHORTEST_S, start_s)
            ordered[-1] = before.model_copy(update={"end_s": round(end_s, 3)})
            start_s = max(start_s, end_s)
        end_s = max(word.end_s, start_s + SHORTEST_S)
        ordered.append(word.model_copy(update={"start_s": round(start_s, 3), "end_s": round(end_s, 3)}))
    return ordered
