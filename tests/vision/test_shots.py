"""Shots: from frames through the network to cuts."""

from itertools import pairwise
from time import process_time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cutroom.contracts.documents import ShotEvent, ShotScores
from cutroom.errors import ToolFailed
from cutroom.vision.shots import find_shots, join_scores
from cutroom.vision.transnet import frames_needed, score

COUNT = 130
CUTS = [43, 89]


@pytest.fixture(scope="module")
def frames() -> NDArray[np.uint8]:
    """Three shots: coarse patterns that drift."""
    rng = np.random.default_rng(5)
    shots = []
    for first, last in zip([0, *CUTS], [*CUTS, COUNT], strict=True):
        pattern = np.kron(rng.integers(0, 255, (9, 16, 3)), np.ones((3, 3, 1))).astype(np.uint8)
        shots += [np.roll(pattern, (number // 9, number // 7), (0, 1)) for number in range(last - first)]
    return np.stack(shots)


def scores_of(frames: NDArray[np.uint8], first: int, last: int) -> ShotScores:
    needed = frames_needed(first, last, len(frames))
    parts = list(score(frames[needed.start : needed.stop], first, last, len(frames)))
    return join_scores(parts, first, last)


@pytest.fixture(scope="module")
def whole(frames: NDArray[np.uint8]) -> ShotScores:
    return scores_of(frames, 0, COUNT)


def test_hard_cuts_are_found_to_the_frame(whole: ShotScores) -> None:
    assert find_shots(whole, 25.0).cuts == CUTS


@pytest.fixture(scope="module")
def long_recording() -> NDArray[np.uint8]:
    """Two blocks and a bit of still shots, cut at 300, 900 and 1203, with a dissolve across the first block's end."""
    rng = np.random.default_rng(8)
    first, second, third, fourth, fifth = np.kron(rng.integers(0, 255, (5, 9, 16, 3)), np.ones((1, 3, 3, 1)))
    mixed = [second + (third - second) * (place + 1) / 21 for place in range(20)]
    shots = [first] * 300 + [second] * 292 + mixed + [third] * 288 + [fourth] * 303 + [fifth] * 50
    return (np.stack(shots) + rng.normal(0, 1.5, (len(shots), 1, 1, 3))).clip(0, 255).astype(np.uint8)


def test_joins_lose_and_double_nothing_wherever_the_chunks_meet(long_recording: NDArray[np.uint8]) -> None:
    count = len(long_recording)
    whole = scores_of(long_recording, 0, count)
    assert find_shots(whole, 25.0).cuts == pytest.approx([300, 602, 900, 1203], abs=2)
    chunks = [scores_of(long_recording, first, last) for first, last in pairwise([0, 597, 605, 1203, count])]
    assert join_scores(chunks, 0, count) == whole


def test_scoring_asks_only_for_the_frames_around_its_chunk() -> None:
    assert frames_needed(0, 70, 1000) == range(0, 700)
    assert frames_needed(3000, 6000, 100_000) == range(2900, 6100)
    assert frames_needed(70, 130, 130) == range(0, 130)


def test_a_recording_of_a_single_frame_has_one_shot(frames: NDArray[np.uint8]) -> None:
    shots = find_shots(scores_of(frames[:1], 0, 1), 25.0)
    assert (shots.frame_count, shots.cuts, shots.events) == (1, [], [])


def scores(count: int, single: dict[int, float], many: dict[int, float], replaced: list[int] | None = None) -> ShotScores:
    return ShotScores(
        first_frame=0,
        single=[single.get(frame, 0.01) for frame in range(count)],
        many=[many.get(frame, 0.01) for frame in range(count)],
        replaced=replaced or [],
    )


def test_the_frame_after_the_marked_one_begins_the_new_shot() -> None:
    shots = find_shots(scores(100, {40: 0.9}, {40: 0.6}), 30.0)
    assert shots.events == [ShotEvent(kind="cut", start_frame=41, end_frame=41)]
    assert shots.cuts == [41]


def test_a_dissolve_is_cut_in_its_middle_and_told_as_a_dissolve() -> None:
    shots = find_shots(scores(100, {45: 0.7}, dict.fromkeys(range(40, 52), 0.8)), 30.0)
    assert shots.events == [ShotEvent(kind="dissolve", start_frame=40, end_frame=52)]
    assert shots.cuts == [46]


def test_a_flash_that_both_heads_doubt_is_no_cut() -> None:
    assert find_shots(scores(100, {40: 0.35}, {40: 0.3, 41: 0.2}), 30.0).cuts == []


def test_a_few_frames_that_only_the_many_frame_head_marks_are_no_cut() -> None:
    assert find_shots(scores(100, {}, {40: 0.8, 41: 0.8}), 30.0).cuts == []


def test_a_fade_at_the_very_end_begins_no_new_shot() -> None:
    assert find_shots(scores(100, {}, dict.fromkeys(range(90, 100), 0.9)), 30.0).events == []


def test_a_replaced_slide_is_a_cut_unless_the_network_saw_it_too() -> None:
    assert find_shots(scores(100, {}, {}, [40]), 30.0).cuts == [40]
    assert find_shots(scores(100, {40: 0.9}, {}, [40]), 30.0).cuts == [41]


def test_a_still_picture_that_gives_way_to_another_is_a_slide_and_a_cut() -> None:
    shots = find_shots(scores(100, {39: 0.9}, {}, [40, 70]), 30.0)
    assert [(event.kind, event.start_frame) for event in shots.events] == [("slide", 40), ("slide", 70)]
    assert shots.cuts == [40, 70]


def test_a_line_that_appears_is_a_slide_and_no_cut() -> None:
    shots = find_shots(scores(100, {60: 0.9}, {}).model_copy(update={"added": [30, 61]}), 30.0)
    assert [(event.kind, event.start_frame) for event in shots.events] == [("slide", 30), ("cut", 61)]
    assert shots.cuts == [61]


def test_a_change_of_light_is_told_unless_the_shot_changes_there() -> None:
    lit = [*range(20, 30), *range(58, 63)]
    shots = find_shots(scores(100, {60: 0.9}, {}).model_copy(update={"lit": lit}), 30.0)
    assert [(event.kind, event.start_frame, event.end_frame) for event in shots.events] == [("light", 20, 30), ("cut", 61, 61)]


@pytest.mark.parametrize("held", [[0], [1], [0, 0, 1], [0, 2]])
def test_scores_with_a_gap_or_a_part_twice_are_refused(held: list[int]) -> None:
    parts = [ShotScores(first_frame=50 * number, single=[0.0] * 50, many=[0.0] * 50) for number in range(3)]
    with pytest.raises(ToolFailed):
        join_scores([parts[number] for number in held], 0, 150)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=80), st.sets(st.integers(1, 79)))
def test_cuts_ascend_inside_the_recording_and_each_belongs_to_an_event(pairs: list[tuple[float, float]], marks: set[int]) -> None:
    count = len(pairs)
    replaced = sorted(frame for frame in marks if frame < count)
    single, many = ([pair[head] for pair in pairs] for head in (0, 1))
    shots = find_shots(ShotScores(first_frame=0, single=single, many=many, replaced=replaced), 25.0)
    assert shots.cuts == sorted(set(shots.cuts))
    assert all(0 < cut < count for cut in shots.cuts)
    assert all(event.start_frame <= cut <= event.end_frame for event, cut in zip(shots.events, shots.cuts, strict=True))
    assert all(first.start_frame <= then.start_frame for first, then in pairwise(shots.events))


def test_ten_thousand_cuts_with_as_many_slides_and_lights_take_no_longer_than_their_number() -> None:
    count = 400_000
    single = np.zeros(count)
    single[19::40] = 1
    lit = [frame for start in range(10, count, 40) for frame in (start, start + 1)]
    scores = ShotScores(
        first_frame=0, single=single.tolist(), many=single.tolist(), replaced=list(range(20, count, 40)),
        added=list(range(30, count, 40)), lit=lit + list(range(20, count, 40)),
    )  # fmt: skip
    began = process_time()
    found = find_shots(scores, 30.0)
    assert process_time() - began < 5
    kinds = [event.kind for event in found.events]
    assert (kinds.count("slide"), kinds.count("light"), kinds.count("cut")) == (20_000, 10_000, 0)
    assert found.cuts == list(range(20, count, 40))
