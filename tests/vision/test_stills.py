"""Slides that replace one another."""

import numpy as np
import pytest
from numpy.typing import NDArray

from cutroom.vision.stills import still_changes


def slide(*lines: tuple[int, int]) -> NDArray[np.uint8]:
    """A light picture with dark lines: (row, length)."""
    picture = np.full((27, 48, 3), 230, np.uint8)
    for row, length in lines:
        picture[row : row + 2, 4 : 4 + length] = 40
    return picture


FIRST = slide((5, 20), (10, 32))
SECOND = slide((5, 34), (15, 28))
BUILT = slide((5, 20), (10, 32), (15, 30))


def shown(*pictures: NDArray[np.uint8], each: int = 20) -> NDArray[np.uint8]:
    return np.repeat(np.stack(pictures), each, axis=0)


def test_a_slide_that_takes_the_place_of_another_is_found_to_the_frame() -> None:
    assert still_changes(shown(FIRST, SECOND, FIRST)) == ([20, 40], [])


def test_a_line_that_comes_or_goes_replaces_nothing_and_is_told() -> None:
    assert still_changes(shown(FIRST, BUILT, FIRST)) == ([], [20, 40])


def test_a_change_of_light_replaces_nothing() -> None:
    assert still_changes(shown(FIRST, FIRST // 2)).replaced == []


def test_a_picture_that_moves_is_left_to_the_network() -> None:
    rng = np.random.default_rng(1)
    noisy = shown(FIRST, SECOND) - rng.integers(0, 12, (40, 27, 48, 3), dtype=np.uint8)
    assert still_changes(noisy) == ([], [])


@pytest.mark.parametrize("count", [1, 2, 14])
def test_too_few_frames_to_know_what_stands_still_find_nothing(count: int) -> None:
    assert still_changes(shown(FIRST, SECOND)[18 : 18 + count]) == ([], [])
