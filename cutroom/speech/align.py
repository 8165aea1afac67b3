"""Forced alignment: when each word of a known text is said.

pocketsphinx finds the likeliest path of the text's phones through the sound. Its words meet where one ends and the next
begins, and swallow pauses, so edges that lie in silence are moved to the sound. Cost: about 0.01 of real time, more
for long windows, where the search keeps more of the text in view.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from math import log
from typing import Any, NamedTuple

from cutroom.speech.pronounce import pronunciations
from cutroom.speech.sound import FRAME_S, RATE, Samples, loud_frames, loudness_of, silences_of
from cutroom.speech.words import spoken_form

# A pause inside which a word cannot end: longer than the closure of a plosive.
PAUSE_S = 0.08
LEAST_WORD_S = 0.03
# No word pauses for so long in itself; what it has of sound beyond is its neighbour's.
LONG_PAUSE_S = 0.15
SLIVER_S = 0.06
# Scoring the sounds of every second frame takes a quarter of the time and moves nearly no word by more than a frame or two.
EVERY_NTH_FRAME = 2
# ... but now and then a short word loses its sound to a pause, and is found in noise, half a second away. The mean
# log-likelihood ratio that noise gives:
NOISE_SCORE = -5.0
# Such a word is looked for again between so many others on either side; not where more of the text than this is noise.
AROUND = 2
MOST_NOISE = 0.2
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

    def later(self, seconds: float) -> Timed:
        return self._replace(start_s=self.start_s + seconds, end_s=self.end_s + seconds)


# A word by its name in the dictionary.
Found = tuple[str, Timed]


class Aligner:
    """Two decoders, kept between calls because the dictionary of the first takes a while to load. For one thread."""

    def __init__(self) -> None:
        import pocketsphinx

        self._decoder: Any = pocketsphinx.Decoder(pocketsphinx.Config(lm=None, ds=EVERY_NTH_FRAME, loglevel="FATAL"))
        every_frame = pocketsphinx.Config(lm=None, ds=1, loglevel="FATAL")
        every_frame["dict"] = None  # It is told the few words that it needs.
        self._closer: Any = pocketsphinx.Decoder(every_frame)

    def align(self, samples: Samples, words: Sequence[str], language: str, *, strict: bool = True) -> list[Timed | None]:
        """When each word is said in 16 kHz sound.

        None for a word without a sound of its own, and for all words where the text does not fit at all. Not `strict`: any
        word may have been another one, and those that were are None.
        """
        nothing: list[Timed | None] = [None] * len(words)
        names = [self._known(spoken_form(word), language) for word in words]
        text = [name for name in names if name]
        if not text or samples.size == 0:
            return nothing
        if strict:
            found = self._aligned(self._decoder, text, samples)
            found = self._none_lost(found, text, samples) if len(found) == len(text) else []
        else:
            self._allow_others(text)
            found = decoded(self._decoder, samples)
        times = to_sound([timed for _, timed in found], samples)
        if strict:
            in_order = iter(times)
            return [next(in_order) if name else None for name in names] if found else nothing
        places = [index for index, name in enumerate(names) if name]
        for i, j, size in SequenceMatcher(None, [name for name, _ in found], text, autojunk=False).get_matching_blocks():
            for k in range(size):
                nothing[places[j + k]] = times[i + k]
        return nothing

    def knows(self, word: str) -> bool:
        """Whether the dictionary has an English word."""
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

    def _aligned(self, decoder: Any, text: Sequence[str], samples: Samples) -> list[Found]:
        """The words of a text of known names, in order; fewer where it does not fit."""
        decoder.set_align_text(" ".join(text))
        return decoded(decoder, samples)

    def _none_lost(self, found: list[Found], text: Sequence[str], samples: Samples) -> list[Found]:
        """The same words, those that were lost looked for again between their neighbours, in every frame."""
        for index in lost([timed for _, timed in found]):
            first, last = max(0, index - AROUND), min(len(found), index + AROUND + 1)
            start_s, end_s = found[first][1].start_s, found[last - 1][1].end_s
            self._teach(self._closer, text[first:last])
            again = self._aligned(self._closer, text[first:last], samples[round(start_s * RATE) : round(end_s * RATE)])
            if len(again) == last - first and again[index - first][1].score > found[index][1].score:
                found[first:last] = [(name, timed.later(start_s)) for name, timed in again]
        return found

    def _teach(self, decoder: Any, names: Sequence[str]) -> None:
        """All ways to say these words, as the dictionary has them."""
        for name in names:
            number, way = 1, name
            while decoder.lookup_word(way) is None and (phones := self._decoder.lookup_word(way)) is not None:
                decoder.add_word(way, phones, True)
                number += 1
                way = f"{name}({number})"


def lost(words: Sequence[Timed]) -> list[int]:
    """Places of words that sound like noise beside a pause; none where so many do that the text is a wrong one."""
    noise = [word.score <= NOISE_SCORE for word in words]
    if sum(noise) > MOST_NOISE * len(words):
        return []
    pauses = [one.end_s < other.start_s for one, other in pairwise(words)]
    return [index for index in range(1, len(words) - 1) if noise[index] and (pauses[index - 1] or pauses[index])]


def decoded(decoder: Any, samples: Samples) -> list[Found]:
    """The words found in order, as pocketsphinx places them; empty where it finds no path."""
    try:
        # What was heard before must not change what is found now.
        decoder.reinit_feat()
        decoder.start_utt()
        decoder.process_raw(samples.tobytes(), full_utt=True)
        decoder.end_utt()
        segments = list(decoder.seg() or [])
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
