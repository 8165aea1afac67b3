"""Who is shown when."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cutroom.media.turns import Turn, best_turns, snapped


def speaks(*who: int, people: int = 2) -> np.ndarray:
    """Scores in which one person speaks at each look."""
    return np.array([[1.0 if speaker == person else -0.5 for speaker in who] for person in range(people)])


def test_a_long_turn_is_cut_to_at_its_very_beginning() -> None:
    assert best_turns(speaks(*[0] * 20, *[1] * 20), 13, 6, 2.5) == [Turn(0, 20, 0), Turn(20, 40, 1)]


def test_a_word_thrown_in_is_not_cut_to() -> None:
    assert best_turns(speaks(*[0] * 20, *[1] * 4, *[0] * 20), 13, 6, 2.5) == [Turn(0, 44, 0)]


def test_a_turn_that_goes_on_from_the_shot_before_may_be_short() -> None:
    assert best_turns(speaks(*[1] * 7, *[0] * 20), 13, 6, 2.5) == [Turn(0, 7, 1), Turn(7, 27, 0)]


def test_one_person_alone_is_always_shown() -> None:
    assert best_turns(np.full((1, 5), -1.0), 13, 6, 2.5) == [Turn(0, 5, 0)]


@given(
    arrays(float, st.tuples(st.integers(1, 4), st.integers(1, 60)), elements=st.floats(-3, 3)),
    st.integers(1, 20),
    st.integers(1, 20),
)
def test_turns_tile_the_looks_change_the_person_and_are_long_enough(scores: np.ndarray, fewest: int, at_edges: int) -> None:
    at_edges = min(at_edges, fewest)
    turns = best_turns(scores, fewest, at_edges, 1.0)
    edges = [turn.first for turn in turns] + [turns[-1].past]
    assert edges == sorted(set(edges))
    assert (edges[0], edges[-1]) == (0, scores.shape[1])
    assert all(one.who != other.who and one.past == other.first for one, other in pairwise(turns))
    assert all(turn.past - turn.first >= fewest for turn in turns[1:-1])
    assert all(turn.past - turn.first >= min(at_edges, scores.shape[1]) for turn in turns)


@given(arrays(float, st.tuples(st.just(2), st.integers(1, 9)), elements=st.floats(-3, 3)))
def test_no_other_sequence_of_turns_is_worth_more(scores: np.ndarray) -> None:
    def worth(row: tuple[int, ...]) -> float:
        cuts = sum(one != other for one, other in pairwise(row))
        return float(sum(scores[who, look] for look, who in enumerate(row))) - 1.5 * cuts

    found = [turn.who for turn in best_turns(scores, 1, 1, 1.5) for _ in range(turn.first, turn.past)]
    every = [tuple(number >> look & 1 for look in range(scores.shape[1])) for number in range(2 ** scores.shape[1])]
    assert worth(tuple(found)) >= max(worth(row) for row in every) - 1e-9


def test_a_cut_is_made_where_a_sentence_begins_near_by() -> None:
    assert snapped(5.2, [1.0, 5.6, 9.0], 0.8) == 5.6
    assert snapped(7.0, [1.0, 5.6, 9.0], 0.8) == 7.0
    assert snapped(7.0, [], 0.8) == 7.0
