"""Talks for the tests of selection, written as texts with pauses, and short ways to choose from them."""

from cutroom.contracts.campaign import ClipWishes
from cutroom.contracts.documents import Selection, Sentence, Shots, Transcript, Word
from cutroom.local.sample_script import PASSAGES
from cutroom.media.selection import select
from cutroom.speech.prosody import SentenceSound

SHOTS = Shots(fps=30, frame_count=0, cuts=[])
PLAIN = "The oven stands in the corner of the kitchen near a window."
TALK = [
    (line.text, 1.0 if number == 0 else 0.4, len(line.text) / 14) for passage in PASSAGES for number, line in enumerate(passage)
]


def transcript(sentences: list[tuple[str, float, float]], *, speaker: str | None = None) -> Transcript:
    """A transcript of (text, pause before, seconds) whose words share each sentence's time evenly."""
    words: list[Word] = []
    found: list[Sentence] = []
    now = 0.0
    for text, pause_s, seconds in sentences:
        start = now + pause_s
        written = text.split()
        each = seconds / len(written)
        first = len(words)
        words += [Word(text=w, start_s=start + i * each, end_s=start + (i + 1) * each) for i, w in enumerate(written)]
        now = start + seconds
        found.append(
            Sentence(text=text, start_s=start, end_s=words[-1].end_s, first_word=first, last_word=len(words), speaker=speaker)
        )
    return Transcript(engine="captions", language="en", duration_s=now + 1, words=words, sentences=found)


def choose(talk: Transcript, count: int = 3, min_s: float = 15, max_s: float = 40, duration_s: float | None = None) -> Selection:
    return select(
        talk, SHOTS, ClipWishes(count=count, min_s=min_s, max_s=max_s), talk.duration_s if duration_s is None else duration_s
    )


def passage(*texts: str) -> list[tuple[str, float, float]]:
    return [(text, 0.4, 5.0) for text in texts]


def sound(
    *, loudness_db: float = 0, loudness_change_db: float = 0, pitch_range_st: float = 4, laughter: float = 0, words_per_s: float = 2
) -> SentenceSound:
    return SentenceSound(loudness_db, loudness_change_db, 150, pitch_range_st, words_per_s, 0, 0, laughter, 0)
