"""Who of several people is shown when: cuts that are worth it, none of them soon after another. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Turn(NamedTuple):
    """Looks `first:past` show person `who`."""

    first: int
    past: int
    who: int


def best_turns(scores: NDArray[np.float64], fewest: int, at_edges: int, cut_cost: float) -> list[Turn]:
    """The sequence of turns of the greatest sum of scores less `cut_cost` for each cut, exact by dynamic programming.

    `scores`: shape (people, looks). Each turn has `fewest` looks at least, so a word thrown in is never cut to; the first and
    the last one, which are longer than what is seen of them, have `at_edges`. A turn is shown from its beginning on, since
    its length is known.
    """
    people, looks = scores.shape
    at_edges = min(at_edges, looks)
    total = np.concatenate([np.zeros((people, 1)), np.cumsum(scores, axis=1)], axis=1)
    # Of a turn that shows w: `gain[w]` is the best beginning so far, less what w's own scores come to by then; `entry[w]`
    # says at which look and after whom. `best[w, t]` is the most that looks `:t` give when such a turn ends there.
    gain, entry = np.zeros(people), [(0, -1)] * people
    best = np.full((people, looks + 1), -np.inf)
    came = np.zeros((people, looks + 1, 2), int)
    opened = at_edges
    for past in range(at_edges, looks + 1):
        newest = past - fewest if past < looks else looks - at_edges
        for first in range(opened, newest + 1):
            for who in range(people):
                other = max((other for other in range(people) if other != who), key=lambda other: best[other, first], default=-1)
                value = best[other, first] - cut_cost - total[who, first] if other >= 0 else -np.inf
                if value > gain[who]:
                    gain[who], entry[who] = value, (first, other)
        opened = max(opened, newest + 1)
        best[:, past] = total[:, past] + gain
        came[:, past] = entry
    turns: list[Turn] = []
    past, who = looks, int(best[:, looks].argmax())
    while who >= 0:
        first, other = map(int, came[who, past])
        turns.append(Turn(first, past, who))
        past, who = first, other
    return turns[::-1]


def snapped(t_s: float, marks: Sequence[float], within_s: float) -> float:
    """The mark nearest to this moment, if one is that near."""
    near = min(marks, key=lambda mark: abs(mark - t_s), default=t_s)
    return near if abs(near - t_s) <= within_s else t_s
