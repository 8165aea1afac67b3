"""The set of passages with the highest sum of scores less what they say twice, found exactly.

Without sameness this is weighted interval scheduling, solved by dynamic programming over the ends of passages, once for each
number of them. That sum bounds the sum less sameness from above, so branch and bound, best bound first, settles the rest:
where two chosen passages say the same, the middle of one of them lies either in no passage or in one of those that cover it,
which is then fixed and charged to all others. Few passages of a talk say the same, so few steps are needed.
"""

import heapq
from collections.abc import Callable, Iterator
from itertools import count as counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cutroom.media.cues import Numbers

STEPS = 100  # past them, which takes a talk that repeats itself throughout, the best set found so far is taken
EACH = 1e5  # worth of a passage beyond its score: first as many as are asked for, then the best of them
_EXACT = 1e-6

Cost = Callable[[int], Numbers]


class _Node(NamedTuple):
    """All sets of the `fixed` passages and some of the `allowed` ones, whose `worth` is less what the fixed ones charge them.

    `sum`: of the fixed ones.
    """

    fixed: tuple[int, ...]
    allowed: NDArray[np.bool_]
    worth: Numbers
    sum: float


class _Tables(NamedTuple):
    """Of at most k passages that end by the e-th end: the best sum, and the last of them if it ends there, else -1."""

    best: Numbers
    last: NDArray[np.intp]


def best_set(begin_s: Numbers, end_s: Numbers, scores: Numbers, count: int, cost: Cost) -> list[int]:
    """Places of at most `count` passages, none overlapping, in order of time: as many as fit, then the highest sum of scores
    less `cost(i)[j]` points (symmetric, none negative) for each pair of them. The same passages give the same set.
    """
    search = _Search(begin_s, end_s, cost)
    best_sum, best = -np.inf, list[int]()
    order = counter()
    queue = [(-np.inf, next(order), _Node((), np.ones(len(scores), bool), scores + EACH, 0.0))]
    for _ in range(STEPS):
        if not queue or -queue[0][0] <= best_sum + _EXACT:
            break
        node = heapq.heappop(queue)[2]
        left = count - len(node.fixed)
        tables = search.ahead.tables(node.worth, node.allowed, left)
        chosen = search.ahead.traced(tables)
        charges = [float(search.costs(place)[chosen].sum() - search.costs(place)[place]) for place in chosen]
        bound, charge = node.sum + float(tables.best[-1, -1]), sum(charges) / 2
        if bound - charge > best_sum:
            best_sum, best = bound - charge, [*node.fixed, *chosen]
        if charge > 0 and bound > best_sum + _EXACT:
            for upper, part in search.parts(node, tables, chosen[int(np.argmax(charges))], bound):
                if upper > best_sum + _EXACT:
                    heapq.heappush(queue, (-upper, next(order), part))
    return sorted(best, key=lambda place: begin_s[place])


class _Search:
    """The passages, and how a part of all their sets is divided further."""

    def __init__(self, begin_s: Numbers, end_s: Numbers, cost: Cost) -> None:
        self._begin_s, self._end_s, self._cost = begin_s, end_s, cost
        self.ahead, self._behind = _Schedule(begin_s, end_s), _Schedule(-end_s, -begin_s)
        self._known: dict[int, Numbers] = {}

    def costs(self, place: int) -> Numbers:
        if place not in self._known:
            self._known[place] = self._cost(place)
        return self._known[place]

    def parts(self, node: _Node, tables: _Tables, place: int, bound: float) -> Iterator[tuple[float, _Node]]:
        """The sets without the middle of the passage at `place`, and those with each passage over it; each with an upper bound."""
        middle = (self._begin_s[place] + self._end_s[place]) / 2
        over = node.allowed & (self._begin_s <= middle) & (middle < self._end_s)
        yield bound, node._replace(allowed=node.allowed & ~over)
        count = len(tables.best) - 1
        behind = self._behind.tables(node.worth, node.allowed, count).best
        for other in np.flatnonzero(over):
            before, after = tables.best[:count, self.ahead.free[other]], behind[:count, self._behind.free[other]]
            upper = node.sum + node.worth[other] + float((before + after[::-1]).max())
            apart = (self._end_s <= self._begin_s[other]) | (self._begin_s >= self._end_s[other])
            worth = node.worth - self.costs(int(other))
            yield upper, _Node((*node.fixed, int(other)), node.allowed & apart, worth, node.sum + float(node.worth[other]))


class _Schedule:
    """Weighted interval scheduling. `free`: for each passage, the number of ends that do not lie past its begin."""

    def __init__(self, begin_s: Numbers, end_s: Numbers) -> None:
        ends, closes = np.unique(end_s, return_inverse=True)
        self.free = np.searchsorted(ends, begin_s, side="right")
        by_end = np.argsort(closes, kind="stable")
        self._closing = np.split(by_end, np.searchsorted(closes[by_end], np.arange(1, len(ends))))

    def tables(self, worth: Numbers, allowed: NDArray[np.bool_], count: int) -> _Tables:
        worth = np.where(allowed, worth, -np.inf)
        best = np.zeros((count + 1, len(self._closing) + 1))
        last = np.full(best.shape, -1)
        rows = np.arange(count)
        for end, places in enumerate(self._closing):
            sums = best[:-1, self.free[places]] + worth[places]
            top = sums.argmax(axis=1)
            highest, known = sums[rows, top], best[1:, end]
            best[1:, end + 1] = np.maximum(highest, known)
            last[1:, end + 1] = np.where(highest > known, places[top], -1)
        return _Tables(best, last)

    def traced(self, tables: _Tables) -> list[int]:
        """The passages of the best sum over all ends."""
        found = []
        count, end = len(tables.best) - 1, len(self._closing)
        while count and end:
            place = int(tables.last[count, end])
            if place < 0:
                end -= 1
            else:
                found.append(place)
                count, end = count - 1, int(self.free[place])
        return found[::-1]
