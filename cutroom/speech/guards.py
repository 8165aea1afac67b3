"""What recognisers make up: the same words over and over, text where nobody speaks, more words than anybody can say.

Whisper was trained on subtitles, and writes such things down over silence, music and noise (Koenecke et al. 2024, "Careless
Whisper"). Each guard is a pure function from words to the words that stay.
"""

from collections.abc import Sequence

from cutroom.contracts.documents import Word
from cutroom.contracts.media import Span
from cutroom.speech.words import spoken_form

# A phrase of up to so many words, said again at once; so many of them in a row are a loop.
LONGEST_PHRASE = 8
MOST_REPEATS = 4
KEPT_REPEATS = 1
# So much of a word must lie in speech, with room for what the voice detector clips.
ROOM_S = 0.3
# Fast talkers reach 5 to 6 words a second; over a few seconds nobody says more.
MOST_WORDS_PER_S = 8.0
RATE_WORDS = 12

LOOP = "A passage that the recogniser repeated over and over was shortened."
SILENT = "Words were left out that the recogniser heard where nobody speaks."
HURRIED = "Words were left out that nobody can have said in so short a time."


def guarded(words: Sequence[Word], speech: Sequence[Span]) -> tuple[list[Word], list[str]]:
    """The words that can have been said, and a warning for each kind that was left out. `speech`: where somebody speaks."""
    warnings = []
    kept = list(words)
    for guard, warning in ((lambda w: in_speech(w, speech), SILENT), (without_loops, LOOP), (at_speaking_rate, HURRIED)):
        left = guard(kept)
        if len(left) < len(kept):
            warnings.append(warning)
        kept = left
    return kept, warnings


def in_speech(words: Sequence[Word], speech: Sequence[Span]) -> list[Word]:
    """Without the words that touch no speech."""
    return [
        word for word in words if any(word.end_s > span.start_s - ROOM_S and word.start_s < span.end_s + ROOM_S for span in speech)
    ]


def without_loops(words: Sequence[Word]) -> list[Word]:
    """A phrase that comes more than four times in a row is kept once."""
    said = [spoken_form(word.text) for word in words]
    kept: list[Word] = []
    at = 0
    while at < len(words):
        size, times = loop_at(said, at)
        if times > MOST_REPEATS:
            kept += words[at : at + KEPT_REPEATS * size]
            at += times * size
        else:
            kept.append(words[at])
            at += 1
    return kept


def loop_at(said: Sequence[str], at: int) -> tuple[int, int]:
    """Length and number of the phrase that is repeated from here on; the shortest of those that come too often."""
    for size in range(1, LONGEST_PHRASE + 1):
        times = 1
        while said[at : at + size] == said[at + times * size : at + (times + 1) * size] and len(said) >= at + (times + 1) * size:
            times += 1
        if times > MOST_REPEATS:
            return size, times
    return 1, 1


def at_speaking_rate(words: Sequence[Word]) -> list[Word]:
    """Without runs of a dozen words that come faster than anybody speaks."""
    hurried = {
        index
        for first in range(len(words) - RATE_WORDS + 1)
        if MOST_WORDS_PER_S * (words[first + RATE_WORDS - 1].end_s - words[first].start_s) < RATE_WORDS
        for index in range(first, first + RATE_WORDS)
    }
    return [word for index, word in enumerate(words) if index not in hurried]
