"""How a crop stands and goes."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cutroom.media.camera import Rail, smoothest
from cutroom.vision.faces import Face

RAIL = Rail((1920, 1080), (608, 1080))


def face(x: float, size: float = 200) -> Face:
    return Face(x - size / 2, 300, size, size, 0.9)


def test_a_subject_that_stays_in_the_middle_half_is_held_by_one_place() -> None:
    begin = RAIL.still([face(900 + 120 * np.sin(number)) for number in range(40)])
    assert begin is not None
    assert abs(begin + 304 - 900) < 20


def test_a_subject_that_leaves_it_is_not() -> None:
    assert RAIL.still([face(500), face(1200)]) is None


def test_a_path_stands_still_before_and_after_a_walk() -> None:
    walk = [face(x) for x in [400.0] * 25 + list(np.linspace(400, 1500, 20)) + [1500.0] * 25]
    path = RAIL.path(walk)
    assert np.ptp(path[:15]) < 12
    assert np.ptp(path[-15:]) < 12
    assert all(begin <= seen.x and seen.x + seen.w <= begin + 608 for begin, seen in zip(path, walk, strict=True))


def test_a_crop_that_can_go_up_and_down_has_eyes_on_its_upper_third() -> None:
    rail = Rail((1080, 1920), (1080, 1080))
    begin = rail.still([Face(440, 900, 200, 260, 0.9)])
    assert begin is not None
    assert abs(900 + 0.42 * 260 - (begin + 360)) < 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1300), st.floats(0, 300)), min_size=1, max_size=40))
def test_any_path_keeps_its_bounds(bounds: list[tuple[float, float]]) -> None:
    lows = np.array([low for low, _ in bounds])
    highs = lows + np.array([room for _, room in bounds])
    path = smoothest(lows, highs, (lows + highs) / 2)
    assert np.all(path >= lows - 1e-6)
    assert np.all(path <= highs + 1e-6)
