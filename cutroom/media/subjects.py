"""Which words carry the subject of a talk, line by line: where it changes, what returns, and which passages say the same.

Terms are function-free word stems weighed by inverse document frequency, a line being a document. Nothing here knows a
language but for the English function words; words that are everywhere in the talk drop out by their weight. Scripts without
spaces give pairs of neighbouring characters, as is usual where no dictionary parts their words.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from cutroom.media.cues import FUNCTION, UNSPACED, WORD, Numbers

BLOCK = 6  # lines on either side of a boundary
NEAR, BEHIND = 8, 2  # lines ahead in which a term returns, lines back that it echoes
_SUFFIXES = ("ingly", "ing", "edly", "ed", "ies", "ly", "es", "s", "e", "y")
_STEM = 7
_RUN = re.compile(f"[{UNSPACED}]+")
_INITIALS = re.compile(r"(?<=\b\w)\.(?=\w\b)")


def stem(word: str) -> str:
    """A crude stem: one English ending off where three letters stay, and never longer than seven."""
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            return word[: -len(suffix)][:_STEM]
    return word[:_STEM]


def terms(text: str) -> list[str]:
    """Stems of the words of a plain text that may carry its subject."""
    spaced = [stem(word.split("'")[0]) for word in WORD.findall(text) if len(word) > 2 and word not in FUNCTION]
    return spaced + [pair for run in _RUN.findall(text) for pair in _pairs(run)]


def topic_terms(topic: str) -> list[str]:
    """Terms of a plain topic, however short its words; function words only where it has no others."""
    words = _RUN.sub(" ", _INITIALS.sub("", topic))
    stems = [stem(word.split("'")[0]) for word in WORD.findall(words) if word not in FUNCTION]
    found = stems + [pair for run in _RUN.findall(topic) for pair in _pairs(run) or [run]]
    return list(dict.fromkeys(found or [stem(word) for word in WORD.findall(words)]))


def times_said(topic: Sequence[str], text: str) -> list[float]:
    """How often a plain text has each of some topic terms."""
    said = Counter(stem(word.split("'")[0]) for word in WORD.findall(_INITIALS.sub("", text)))
    return [float(text.count(term) if _RUN.match(term) else said[term]) for term in topic]


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)]


def rarity(lines: float, count: int) -> float:
    """The weight of a term that so many of `count` lines have, above 0 and at most about 1."""
    return math.log((count + 1) / (lines + 0.5)) / math.log(count + 2)


class Subjects:
    """The terms of each line of a talk. `weights`: of each term, 0 to 1, by how rare it is."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.lines = [terms(text) for text in texts]
        count = len(texts)
        found = Counter(term for line in self.lines for term in set(line))
        self.weights = {term: rarity(lines, count) for term, lines in found.items()}
        self._bags = [Counter(line) for line in self.lines]

    def weight(self, some: Iterable[str]) -> float:
        return sum(self.weights[term] for term in some)

    def likeness(self) -> Numbers:
        """At each boundary, 0 to the number of lines: cosine between the blocks of lines before and after it."""
        bags = self._bags
        return np.array(
            [_cosine(self._sum(bags[max(0, i - BLOCK) : i]), self._sum(bags[i : i + BLOCK])) for i in range(len(bags) + 1)]
        )

    def onward(self) -> Numbers:
        """How much of each line returns soon: 1 where its returning terms weigh 1.6 or more."""
        return np.array([self._shared(i, range(i + 1, i + 1 + NEAR)) / 1.6 for i in range(len(self.lines))]).clip(0, 1)

    def echo(self) -> Numbers:
        """How much of each line was said just before: 1 where those terms weigh 1.2 or more."""
        return np.array([self._shared(i, range(i - BEHIND, i)) / 1.2 for i in range(len(self.lines))]).clip(0, 1)

    def returning(self, first: int, last: int) -> set[str]:
        """Terms of the last two lines of a passage that its first two have, where it has four or more."""
        if last - first < 3:
            return set()
        return {*self.lines[first], *self.lines[first + 1]} & {*self.lines[last - 1], *self.lines[last]}

    def _sum(self, bags: Sequence[Counter[str]]) -> dict[str, float]:
        total: Counter[str] = Counter()
        for bag in bags:
            total.update(bag)
        return {term: times * self.weights[term] for term, times in total.items()}

    def _shared(self, index: int, others: range) -> float:
        near = {term for i in others if 0 <= i < len(self.lines) for term in self._bags[i]}
        return self.weight(term for term in set(self.lines[index]) if term in near)


class Sameness:
    """Cosine between passages (lines `first` to `last`, both included), each the sum of its lines' weighed terms."""

    def __init__(self, subjects: Subjects, first: NDArray[np.intp], last: NDArray[np.intp]) -> None:
        self._first, self._last = first, last
        vocabulary = {term: number for number, term in enumerate(subjects.weights)}
        self._columns = np.array([vocabulary[term] for line in subjects.lines for term in line], int)
        self._values = np.array(list(subjects.weights.values()))[self._columns] if vocabulary else np.zeros(0)
        self._rows = np.repeat(np.arange(len(subjects.lines)), [len(line) for line in subjects.lines])
        self._size, self._lines = len(vocabulary), len(subjects.lines)
        self._opens = np.searchsorted(self._rows, np.arange(self._lines + 1))
        self._norms = self._lengths()

    def of(self, index: int) -> Numbers:
        """Of passage `index` with every passage, 0 to 1."""
        vector = self._vector(index)
        shared = np.bincount(self._rows, self._values * vector[self._columns], self._lines) if self._size else np.zeros(self._lines)
        sums = np.concatenate([[0.0], np.cumsum(shared)])
        return np.asarray((sums[self._last + 1] - sums[self._first]) / (self._norms * self._norms[index]).clip(1e-9))

    def _vector(self, index: int) -> Numbers:
        part = slice(self._opens[self._first[index]], self._opens[self._last[index] + 1])
        return np.asarray(np.bincount(self._columns[part], self._values[part], self._size), float)

    def _lengths(self) -> Numbers:
        """Passages in order of their first line and length share all but their last lines: one bag grows for each first line."""
        norms = np.zeros(len(self._first))
        begun, past, square, bag = -1, 0, 0.0, dict[int, float]()
        for index in np.lexsort((self._last, self._first)):
            if self._first[index] != begun:
                begun, past, square, bag = self._first[index], self._first[index], 0.0, {}
            for place in range(self._opens[past], self._opens[self._last[index] + 1]):
                column, value = self._columns[place], self._values[place]
                had = bag.get(column, 0.0)
                square += value * (2 * had + value)
                bag[column] = had + value
            past = self._last[index] + 1
            norms[index] = math.sqrt(max(square, 0.0))
        return norms


def _cosine(one: dict[str, float], other: dict[str, float]) -> float:
    dot = sum(value * other[term] for term, value in one.items() if term in other)
    size = math.sqrt(sum(v * v for v in one.values()) * sum(v * v for v in other.values()))
    return dot / size if size else 0.0


def depths(likeness: Numbers) -> Numbers:
    """How far likeness dips at each boundary below its best within eight lines on both sides (TextTiling, Hearst 1997), 0 to 1."""
    padded = np.pad(likeness, 8, mode="edge")
    before = np.array([padded[i : i + 9].max() for i in range(len(likeness))])
    after = np.array([padded[i + 8 : i + 17].max() for i in range(len(likeness))])
    return ((before - likeness) + (after - likeness)).clip(0, 1)
