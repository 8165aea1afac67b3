"""How alike two summaries are, and two divisions into chapters: the measures of the literature."""

import re
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

_TOKEN = re.compile(r"[a-z0-9]+")


def rouge_l(summary: str, reference: str) -> float:
    """F1 of the longest common subsequence of words, 0 to 1 (ROUGE-L of Lin 2004, as the package rouge-score counts it)."""
    ours, theirs = _TOKEN.findall(summary.lower()), _TOKEN.findall(reference.lower())
    shared = _common(ours, theirs)
    return 2 * shared / (len(ours) + len(theirs)) if shared else 0.0


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    row = [0] * (len(other) + 1)
    for word in one:
        before = row
        row = [0]
        for place, there in enumerate(other, 1):
            row.append(before[place - 1] + 1 if word == there else max(before[place], row[-1]))
    return row[-1]


def window_diff(ours: Collection[int], theirs: Collection[int], count: int) -> float:
    """WindowDiff (Pevzner and Hearst 2002), 0 (the same) to 1. Each division by the first of every part but the first, of
    `count` sentences; the window is half the mean length of a part of `theirs`.
    """
    size = max(1, round(count / (len({*theirs}) + 1) / 2))
    one, other = _borders(ours, count, size), _borders(theirs, count, size)
    return float((one != other).mean()) if count > size else 0.0


def _borders(division: Collection[int], count: int, size: int) -> NDArray[np.intp]:
    """How many borders each window has."""
    before = np.cumsum(np.isin(np.arange(count), list(division)))
    return np.asarray(before[size:] - before[: count - size])
