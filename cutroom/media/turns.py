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


def best_turns(scores: NDArray[np.float64], fewest: int, cut_cost: float) -> list[Turn]:
    """The sequence of turns, each of `fewest` looks at least, of the greatest sum of scores less `cut_cost` for each cut.

    `scores`: shape (people, looks). Exact, by dynamic programming over where turns end. Turns shorter than `fewest` there
    are none, so that a word thrown in is never cut to, and a turn is cut to at its beginning, since its length is known.
    """
    people, looks = scores.shape
    fewest = min(fewest, looks)
    total = np.concatenate([np.zeros((people, 1)), np.cumsum(scores, axis=1)], axis=1)
    # For a turn that shows w: `gain[w]` is the best beginning so far, less what w's own scores come to by then; `entry[w]`
    # says at which look and after whom. `best[w, t]` is the most that looks `:t` give when such a turn ends there.
    gain, entry = np.zeros(people), [(0, -1)] * people
    best = np.full((people, looks + 1), -np.inf)
    came = np.zeros((people, looks + 1, 2), int)
    for past in range(fewest, looks + 1):
        first = past - fewest
        for who in range(people if first >= fewest else 0):
            other = max((other for other in range(people) if other != who), key=lambda other: best[other, first], default=-1)
            value = best[other, first] - cut_cost - total[who, first] if other >= 0 else -np.inf
            if value > gain[who]:
                gain[who], entry[who] = value, (first, other)
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
