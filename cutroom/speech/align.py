"""Forced alignment: when each word of a known text is said.

pocketsphinx finds the likeliest path of the text's phones through the sound. Its words meet where one ends and the next
begins, and swallow pauses, so edges that lie in silence are moved to the sound. Cost: about 0.01 of real time, more
for long windows, where the search keeps more of the text in view.
"""

from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import cache
from math import log
from threading import Lock
from typing import Any, NamedTuple

from cutroom.speech.pronounce import pronunciations
from cutroom.speech.sound import FRAME_S, Samples, loud_frames, loudness_of, silences_of
from cutroom.speech.words import spoken_form

# A pause inside which a word cannot end: longer than the closure of a plosive.
PAUSE_S = 0.08
LEAST_WORD_S = 0.03
# No word pauses for so long in itself; what it has of sound beyond is its neighbour's.
LONG_PAUSE_S = 0.15
SLIVER_S = 0.06
# Scoring the sounds of every second frame takes a quarter of the time and moves no word by more than a frame or two.
EVERY_NTH_FRAME = 2
# What a word that somebody did not say may be taken for, and how rarely.
OTHER_WORD = "[SPEECH]"
OTHERWISE = 1e-4
# A voice so far below its loudest has died away: the word is over.
DEPTH_DB = 34.0


class Timed(NamedTuple):
    """Seconds from the start of the sound; `score`: mean log-likelihood ratio per frame to the best-fitting sound, <= 0."""

    start_s: float
    end_s: float
    score: float


class Aligner:
    """One decoder, kept between calls because it takes half a second to load. Safe to share between threads."""

    def __init__(self) -> None:
        import pocketsphinx

        self._decoder: Any = pocketsphinx.Decoder(pocketsphinx.Config(lm=None, ds=EVERY_NTH_FRAME, loglevel="FATAL"))
        self._lock = Lock()

    def align(self, samples: Samples, words: Sequence[str], language: str, *, strict: bool = True) -> list[Timed | None]:
        """When each word is said in 16 kHz sound.

        None for a word without a sound of its own, and for all words where the text does not fit at all. Not `strict`: any
        word may have been another one, and those that were are None.
        """
        nothing: list[Timed | None] = [None] * len(words)
        with self._lock:
            names = [self._known(spoken_form(word), language) for word in words]
            text = [name for name in names if name]
            if not text or samples.size == 0:
                return nothing
            if strict:
                self._decoder.set_align_text(" ".join(text))
            else:
                self._allow_others(text)
            found = self._decode(samples)
        times = to_sound([timed for _, timed in found], samples)
        if strict:
            in_order = iter(times)
            return [next(in_order) if name else None for name in names] if len(found) == len(text) else nothing
        places = [index for index, name in enumerate(names) if name]
        for i, j, size in SequenceMatcher(None, [name for name, _ in found], text, autojunk=False).get_matching_blocks():
            for k in range(size):
                nothing[places[j + k]] = times[i + k]
        return nothing

    def knows(self, word: str) -> bool:
        """Whether the dictionary has an English word."""
        with self._lock:
            return word.isascii() and self._decoder.lookup_word(word) is not None

    def _known(self, word: str, language: str) -> str | None:
        """The dictionary's name for a word, added to it where it is missing; None for what cannot be said."""
        if language in ("", "en") and word.isascii() and self._decoder.lookup_word(word) is not None and "(" not in word:
            return word
        ways = pronunciations(word, language)
        if not ways:
            return None
        name = "~" + "_".join(ways[0].split())
        if self._decoder.lookup_word(name) is None:
            for number, phones in enumerate(ways, 1):
                self._decoder.add_word(name if number == 1 else f"{name}({number})", phones, False)
        return name

    def _allow_others(self, text: list[str]) -> None:
        """Make the text the grammar, where speech that is not in it may stand for any of its words."""
        ways = [
            (at, at + 1, chance, name) for at, word in enumerate(text) for name, chance in ((word, 1.0), (OTHER_WORD, OTHERWISE))
        ]
        self._decoder.add_fsg("tolerant", self._decoder.create_fsg("tolerant", 0, len(text), ways))
        self._decoder.activate_search("tolerant")

    def _decode(self, samples: Samples) -> list[tuple[str, Timed]]:
        """The words found in order, as pocketsphinx places them; empty where it finds no path."""
        try:
            # What was heard before must not change what is found now.
            self._decoder.reinit_feat()
            self._decoder.start_utt()
            self._decoder.process_raw(samples.tobytes(), full_utt=True)
            self._decoder.end_utt()
            segments = list(self._decoder.seg() or [])
        except RuntimeError:
            return []
        return [
            (
                # A second pronunciation is `word(2)`.
                part.word.split("(")[0],
                Timed(
                    part.start_frame * FRAME_S,
                    (part.end_frame + 1) * FRAME_S,
                    log(max(part.ascore, 1e-300)) / (part.end_frame + 1 - part.start_frame),
                ),
            )
            for part in segments
            if not part.word.startswith(("<", "[", "("))
        ]


@cache
def aligner() -> Aligner:
    """The process's aligner."""
    return Aligner()


def to_sound(words: list[Timed], samples: Samples) -> list[Timed]:
    """The words with the edges that lie in a pause moved to where the sound is."""
    loud = loud_frames(loudness_of(samples), DEPTH_DB)
    quiet = [(first * FRAME_S, last * FRAME_S) for first, last in silences_of(loud, PAUSE_S)]
    return [trimmed(word, quiet) for word in words]


def trimmed(word: Timed, quiet: list[tuple[float, float]]) -> Timed:
    """The word without the pause at either edge, and without a sliver of its neighbour beyond a long one."""
    start, end = word.start_s, word.end_s
    for first, last in quiet:
        sliver = SLIVER_S if last - first >= LONG_PAUSE_S else 0.0
        if first - sliver <= start < last < end - LEAST_WORD_S:
            start = last
        if start + LEAST_WORD_S < first < end <= last + FRAME_S + sliver:
            end = first
    return word._replace(start_s=start, end_s=end)
