"""The set of passages with the highest sum of scores less what they say twice, found exactly.

Without sameness this is weighted interval scheduling, solved by dynamic programming over the ends of passages, once for each
number of them. That sum bounds the sum less sameness from above, so branch and bound, best bound first, settles the rest:
where two chosen passages say the same, the middle of one of them lies either in no passage or in one of those that cover it,
which is then fixed and charged to all others. Few passages of a talk say the same, so few steps are needed. Where a talk
repeats itself throughout, the search ends after so many steps with the best set found; it keeps what a set is made of, and
works out the worth of its passages when its turn comes, so memory grows with the passages and not with the search.
"""

import heapq
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import count as counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cutroom.media.cues import Numbers

STEPS = 100  # past them, which takes a talk that repeats itself throughout, the best set found so far is taken
KEPT = 64  # passages whose costs are kept
EACH = 1e5  # worth of a passage beyond its score: first as many as are asked for, then the best of them
_EXACT = 1e-6

Cost = Callable[[int], Numbers]


class _Node(NamedTuple):
    """All sets that hold the `fixed` passages, and none of the others that lie over a moment `avoided`.

    `sum`: of the fixed ones, less what they charge each other.
    """

    fixed: tuple[int, ...]
    avoided: tuple[float, ...]
    sum: float


class _Left(NamedTuple):
    """The passages that a set of a node may have beside the fixed ones, and what each is worth after what those charge it."""

    allowed: NDArray[np.bool_]
    worth: Numbers


class _Tables(NamedTuple):
    """Of at most k passages that end by the e-th end: the best sum, and the last of them if it ends there, else -1."""

    best: Numbers
    last: NDArray[np.intp]


def best_set(
    begin_s: Numbers,
    end_s: Numbers,
    scores: Numbers,
    count: int,
    cost: Cost,
    on_step: Callable[[int], None] = lambda _: None,
) -> list[int]:
    """Places of at most `count` passages, none overlapping, in order of time: as many as fit, then the highest sum of scores
    less `cost(i)[j]` points (symmetric, none negative) for each pair of them. The same passages give the same set.

    `on_step` is told that a step was one.
    """
    search = _Search(begin_s, end_s, scores + EACH, cost)
    best_sum, best = -np.inf, list[int]()
    order = counter()
    queue = [(-np.inf, next(order), _Node((), (), 0.0))]
    for _ in range(STEPS):
        if not queue or -queue[0][0] <= best_sum + _EXACT:
            break
        on_step(1)
        node = heapq.heappop(queue)[2]
        left = search.left(node)
        tables = search.ahead.tables(*left, count - len(node.fixed))
        chosen = search.ahead.traced(tables)
        charges = [float(search.costs(place)[chosen].sum() - search.costs(place)[place]) for place in chosen]
        bound, charge = node.sum + float(tables.best[-1, -1]), sum(charges) / 2
        if bound - charge > best_sum:
            best_sum, best = bound - charge, [*node.fixed, *chosen]
        if charge > 0 and bound > best_sum + _EXACT:
            for upper, part in search.parts(node, left, tables, chosen[int(np.argmax(charges))], bound):
                if upper > best_sum + _EXACT:
                    heapq.heappush(queue, (-upper, next(order), part))
    return sorted(best, key=lambda place: begin_s[place])


class _Search:
    """The passages, and how a part of all their sets is divided further."""

    def __init__(self, begin_s: Numbers, end_s: Numbers, worth: Numbers, cost: Cost) -> None:
        self._begin_s, self._end_s, self._worth = begin_s, end_s, worth
        self.ahead, self._behind = _Schedule(begin_s, end_s), _Schedule(-end_s, -begin_s)
        self.costs = lru_cache(KEPT)(cost)

    def left(self, node: _Node) -> _Left:
        allowed, worth = np.ones(len(self._worth), bool), self._worth.copy()
        for moment in node.avoided:
            allowed &= ~self._over(moment)
        for place in node.fixed:
            allowed &= (self._end_s <= self._begin_s[place]) | (self._begin_s >= self._end_s[place])
            worth -= self.costs(place)
        return _Left(allowed, worth)

    def parts(self, node: _Node, left: _Left, tables: _Tables, place: int, bound: float) -> Iterator[tuple[float, _Node]]:
        """The sets without the middle of the passage at `place`, and those with each passage over it; each with an upper bound."""
        middle = float(self._begin_s[place] + self._end_s[place]) / 2
        yield bound, node._replace(avoided=(*node.avoided, middle))
        count = len(tables.best) - 1
        behind = self._behind.tables(*left, count).best
        for other in np.flatnonzero(left.allowed & self._over(middle)).tolist():
            before, after = tables.best[:count, self.ahead.free[other]], behind[:count, self._behind.free[other]]
            total = node.sum + float(left.worth[other])
            yield total + float((before + after[::-1]).max()), _Node((*node.fixed, other), node.avoided, total)

    def _over(self, moment: float) -> NDArray[np.bool_]:
        return (self._begin_s <= moment) & (moment < self._end_s)


class _Schedule:
    """Weighted interval scheduling. `free`: for each passage, the number of ends that do not lie past its begin."""

    def __init__(self, begin_s: Numbers, end_s: Numbers) -> None:
        ends, closes = np.unique(end_s, return_inverse=True)
        self.free = np.searchsorted(ends, begin_s, side="right")
        by_end = np.argsort(closes, kind="stable")
        self._closing = np.split(by_end, np.searchsorted(closes[by_end], np.arange(1, len(ends))))

    def tables(self, allowed: NDArray[np.bool_], worth: Numbers, count: int) -> _Tables:
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
