"""The best of many that say different things: so many of them, or what fits into so many words."""

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cutroom.media.cues import Numbers

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SAME = 0.2  # the share that likeness counts
SAME_CHAPTER = 0.3  # likeness of two that are of one chapter, at least
NEW = 0.7  # the share that what is not yet told counts
BREVITY = 0.25  # the power of its words by which a line is worth less


def diverse(worth: Numbers, rows: "csr_matrix", chapters: Sequence[int]) -> Iterator[int]:
    """Places, the best first, each less its likeness to the nearest of those before it: maximal marginal relevance (Carbonell and
    Goldstein 1998). `rows`: vectors of length 1.
    """
    if not len(worth):
        return
    low, high = worth.min(), worth.max()
    good, near = (worth - low) / ((high - low) or 1.0), np.zeros(len(worth))
    left, of = np.ones(len(worth), bool), np.asarray(chapters)
    while left.any():
        place = int(np.argmax(np.where(left, (1 - SAME) * good - SAME * near, -np.inf)))
        yield place
        left[place] = False
        alike = (rows @ rows[place].T).toarray().ravel()
        near = np.maximum(near, np.maximum(alike, SAME_CHAPTER * (of == of[place])))


def covering(worth: Numbers, bags: Sequence[Sequence[str]], words: Numbers, room: float) -> list[int]:
    """Places, in order, that fit into so many words and tell the terms which the talk returns to: the greedy solution of
    maximum coverage under a budget (Gillick and Favre 2009; Lin and Bilmes 2010). A term weighs the logarithm of the number
    of bags that have it. One place at least.
    """
    found = Counter(term for bag in bags for term in {*bag})
    weights = {term: math.log(times) for term, times in found.items()}
    most = max((_weight(bag, weights) for bag in bags), default=0.0) or 1.0
    good, told, taken = worth / worth.max(), set[str](), list[int]()
    while True:
        free = [place for place in range(len(bags)) if place not in taken and (words[place] <= room or not taken)]
        if not free:
            return sorted(taken)
        gains = [NEW * _weight({*bags[place]} - told, weights) / most + (1 - NEW) * good[place] for place in free]
        best = free[int(np.argmax(np.array(gains) / words[free] ** BREVITY))]
        taken.append(best)
        told |= {*bags[best]}
        room -= words[best]


def _weight(terms: Collection[str], weights: Mapping[str, float]) -> float:
    return sum(weights[term] for term in {*terms})
