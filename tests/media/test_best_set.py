"""The best set of passages that do not overlap is found, within bounded steps and memory."""

import tracemalloc
from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cutroom.media.best_set import KEPT, STEPS, best_set
from cutroom.media.cues import Numbers


@st.composite
def passages(draw: st.DrawFn) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Begins, ends and scores of a few passages, and what each pair of them costs."""
    spans = draw(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 8), st.floats(0.5, 90)), min_size=1, max_size=9))
    begin, length, scores = (np.array(column, float) for column in zip(*spans, strict=True))
    upper = draw(arrays(float, (len(spans), len(spans)), elements=st.sampled_from([0, 0, 0, 5, 40])))
    return begin, begin + length, scores, np.triu(upper, 1) + np.triu(upper, 1).T


@settings(max_examples=300, deadline=None)
@given(passages(), st.integers(1, 4))
def test_no_other_set_of_as_many_passages_has_a_higher_sum_less_sameness(
    given_: tuple[Numbers, Numbers, Numbers, Numbers], count: int
) -> None:
    begin, end, scores, costs = given_

    def apart(chosen: tuple[int, ...]) -> bool:
        ordered = sorted(chosen, key=lambda i: begin[i])
        return all(end[a] <= begin[b] for a, b in pairwise(ordered))

    def worth(chosen: Sequence[int]) -> float:
        return sum(scores[i] for i in chosen) - sum(costs[i, j] for i, j in combinations(chosen, 2))

    found = best_set(begin, end, scores, count, lambda place: costs[place])
    sets = [c for n in range(count + 1) for c in combinations(range(len(scores)), n) if apart(c)]
    assert apart(tuple(found))
    assert len(found) == max(len(c) for c in sets)
    assert worth(found) == pytest.approx(max(worth(c) for c in sets if len(c) == len(found)))


def test_a_talk_that_repeats_itself_throughout_is_searched_in_bounded_steps_and_memory() -> None:
    rng = np.random.default_rng(3)
    begin, end = np.array([(a, a + n) for a in range(200) for n in range(12, 20)], float).T
    scores, saying = rng.uniform(40, 60, len(begin)), rng.uniform(0, 1, (len(begin), 3))
    steps: list[int] = []

    def cost(place: int) -> Numbers:
        return np.asarray(40 * (saying @ saying[place] / 3))

    tracemalloc.start()
    found = best_set(begin, end, scores, 8, cost, steps.append)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) == 8
    assert all(end[a] <= begin[b] for a, b in pairwise(found))
    assert sum(steps) == STEPS
    assert peak < 8 * KEPT * scores.nbytes
