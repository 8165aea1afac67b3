"""Transcripts with labels: which passages an editor would take, which are traps, and where none may begin or end.

The format is JSON: `sentences` (id, speaker, start_s, end_s, text), `clips` (first, last, grade), `traps` (first, last),
`bad_starts`, `bad_ends`; sentences counted from 0, `last` included. For summaries: `key_sentences`, `key_points` (support),
`reference_summary`, `chapters` (first), each of which may be missing.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cutroom.contracts.documents import Sentence, Transcript, Word

TRAP = -2
MATCH = 0.5  # F1 of the sentences from which a passage counts for a label


@dataclass(frozen=True)
class Passage:
    """Sentences `first` to `last`, both included. `grade`: 3 excellent, 2 good, -2 a trap, 0 neither."""

    first: int
    last: int
    grade: int = 0

    def f1(self, other: "Passage") -> float:
        shared = max(0, min(self.last, other.last) - max(self.first, other.first) + 1)
        return 2 * shared / (self.last - self.first + other.last - other.first + 2)


@dataclass(frozen=True)
class Labelled:
    """`key_points`: the sentences that support each. `chapters`: the first sentence of each. Empty where there is no such label."""

    name: str
    transcript: Transcript
    labels: list[Passage]
    bad_starts: frozenset[int]
    bad_ends: frozenset[int]
    key_sentences: frozenset[int] = frozenset()
    key_points: tuple[frozenset[int], ...] = ()
    reference: str = ""
    chapters: tuple[int, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Of the text alone."""
        return hashlib.sha256("\n".join(s.text for s in self.transcript.sentences).encode()).hexdigest()[:16]

    def grades(self, picks: Sequence[Passage]) -> list[int]:
        """Of each pick the grade of the label that it matches best; a clip counts once, for the pick that matches it best."""
        found, taken = [0] * len(picks), set[Passage]()
        pairs = [(pick.f1(label), -place, label) for place, pick in enumerate(picks) if (label := self._nearest(pick))]
        for match, place, label in sorted(pairs, key=lambda pair: pair[:2], reverse=True):
            if match >= MATCH and (label.grade < 0 or label not in taken):
                found[-place] = label.grade
                taken.add(label)
        return found

    def _nearest(self, pick: Passage) -> Passage | None:
        return max(self.labels, key=pick.f1, default=None)

    def worth(self, pick: Passage) -> float:
        """How much of a label's grade the pick is worth, 0 to 1: in proportion to how its F1 lies above .4."""
        return max(
            (label.grade / 3 * max(0.0, pick.f1(label) - 0.4) / 0.6 for label in self.labels if label.grade > 0), default=0.0
        )

    def trapped(self, pick: Passage) -> bool:
        return any(label.grade < 0 and pick.f1(label) >= MATCH for label in self.labels)


def read_labelled(path: Path) -> Labelled:
    """Raises KeyError where the file is not in the format; ValueError where it has no sentence with text. One without text
    counts as a single word that says nothing.
    """
    given = json.loads(path.read_text(encoding="utf-8"))
    said = [(s["text"], s["start_s"], s["end_s"], s.get("speaker")) for s in given["sentences"]]
    if not any(text.split() for text, *_ in said):
        raise ValueError(f"{path.name} has no sentence with text.")
    clips = [Passage(c["first"], c["last"], c["grade"]) for c in given["clips"]]
    traps = [Passage(c["first"], c["last"], TRAP) for c in given["traps"]]
    return Labelled(
        path.name,
        transcript_of(said),
        clips + traps,
        frozenset(given["bad_starts"]),
        frozenset(given["bad_ends"]),
        frozenset(given.get("key_sentences", ())),
        tuple(frozenset(point["support"]) for point in given.get("key_points", ())),
        given.get("reference_summary", ""),
        tuple(chapter["first"] for chapter in given.get("chapters", ())),
    )


def transcript_of(said: Sequence[tuple[str, float, float, str | None]]) -> Transcript:
    """Of sentences: text, start and end in seconds, speaker."""
    words: list[Word] = []
    sentences: list[Sentence] = []
    for text, start_s, end_s, speaker in said:
        first = len(words)
        words += _words(text, start_s, end_s)
        sentences.append(Sentence(text=text, start_s=start_s, end_s=end_s, first_word=first, last_word=len(words), speaker=speaker))
    return Transcript(engine="captions", language="en", duration_s=said[-1][2] + 1, words=words, sentences=sentences)


def _words(text: str, start_s: float, end_s: float) -> Iterator[Word]:
    """Each word with its share of the time, by its letters."""
    written = text.split() or ["…"]
    share = (end_s - start_s) / sum(len(word) for word in written)
    for word in written:
        yield Word(text=word, start_s=start_s, end_s=start_s + share * len(word))
        start_s += share * len(word)
