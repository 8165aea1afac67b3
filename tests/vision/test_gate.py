"""What the gate leaves open, decides by itself, and lets pass by."""

from functools import cache

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cutroom.vision import gate

Frames = NDArray[np.uint8]


@cache
def picture(seed: int) -> NDArray[np.float32]:
    """Soft shapes of some colour, 27 x 48."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(20, 235, (4, 7, 3))
    rows, columns = np.linspace(0, 3, 27), np.linspace(0, 6, 48)
    across = np.stack([[np.interp(columns, range(7), row[:, c]) for row in coarse] for c in range(3)], axis=-1)
    return np.stack([[np.interp(rows, range(4), across[:, x, c]) for x in range(48)] for c in range(3)], axis=-1).swapaxes(0, 1)


def filmed(*pictures: NDArray[np.float32]) -> Frames:
    """With the noise of a camera."""
    frames = np.stack(pictures)
    return (frames + np.random.default_rng(9).normal(0, 1.5, frames.shape)).clip(0, 255).astype(np.uint8)


def verdict(frames: Frames) -> gate.Verdict:
    return gate.judge(frames, 0, len(frames))


ONE, OTHER = picture(1), picture(2)


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(30, 90))
@settings(max_examples=40, deadline=None)
def test_a_cut_is_never_lost(before: int, after: int, cut: int) -> None:
    old, new = picture(before), picture(after)
    if np.abs(old - new).mean() < 2 * gate.STEP:
        return
    seen = verdict(filmed(*[old] * cut, *[new] * 40))
    assert seen.open[cut - 1] or seen.ends[cut - 1]


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(4, 48))
@example(0, 1200, 45)
@settings(max_examples=40, deadline=None)
def test_a_dissolve_is_never_lost(before: int, after: int, length: int) -> None:
    old, new = picture(before), picture(after)
    if np.abs(old - new).mean() < 30 or gate._alike(*(filmed(one) for one in (old, new)))[0] > 0.4:
        return
    mixed = [old + (new - old) * (place + 1) / (length + 1) for place in range(length)]
    seen = verdict(filmed(*[old] * 50, *mixed, *[new] * 50))
    assert (seen.open | seen.mixed)[50 + length // 4 : 50 + length - length // 4].all()


def test_a_hard_cut_between_calm_pictures_is_beyond_doubt() -> None:
    seen = verdict(filmed(*[ONE] * 60, *[OTHER] * 60))
    assert np.flatnonzero(seen.ends).tolist() == [59]
    assert not seen.open.any()


def test_a_cut_amid_motion_is_left_to_the_network() -> None:
    moving = [np.roll(ONE, 3 * place, axis=1) for place in range(60)]
    seen = verdict(filmed(*moving, *[OTHER] * 60))
    assert seen.open[59]
    assert not seen.ends.any()


@pytest.mark.parametrize(("before", "after"), [(1, 8), (6, 2), (5, 8)])
def test_a_cut_between_pictures_that_shake_is_left_to_the_network(before: int, after: int) -> None:
    """It is larger by a third than the steps beside it."""
    moves = np.random.default_rng(7).integers(-3, 4, (120, 2))
    shaken = [np.roll(picture(before if place < 60 else after), tuple(moves[place]), (0, 1)) for place in range(120)]
    assert verdict(filmed(*shaken)).open[59]


def test_a_still_picture_a_black_one_and_a_camera_that_sways_meet_no_network() -> None:
    swaying = [np.roll(ONE, round(3 * np.sin(place / 12)), axis=1) for place in range(120)]
    for frames in (filmed(*[ONE] * 90), np.zeros((90, 27, 48, 3), np.uint8), filmed(*swaying)):
        assert not verdict(frames).open.any()


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_flash_is_light_and_no_cut(length: int) -> None:
    dim = 0.6 * ONE
    seen = verdict(filmed(*[dim] * 50, *[1.4 * dim] * length, *[dim] * 50))
    assert np.flatnonzero(seen.lit).tolist() == list(range(50, 50 + length))
    assert not seen.open.any()
    assert not seen.ends.any()


def test_light_that_is_turned_down_is_told_where_it_changes() -> None:
    levels = np.interp(np.arange(120), [50, 70], [1, 0.6])
    seen = verdict(filmed(*[ONE * level for level in levels]))
    lit = np.flatnonzero(seen.lit)
    assert abs(lit[0] - 50) <= 3
    assert abs(lit[-1] - 70) <= 3
    assert not seen.open.any()


def test_a_fade_to_black_is_no_change_of_light() -> None:
    levels = np.interp(np.arange(140), [50, 70, 80, 100], [1, 0, 0, 1])
    faded = filmed(*[(ONE if place < 75 else OTHER) * level for place, level in enumerate(levels)])
    seen = verdict(faded)
    assert seen.open[60:90].any()
    assert not seen.lit.any()


@given(st.integers(0, 240), st.integers(1, 120))
@settings(max_examples=10, deadline=None)
def test_a_verdict_depends_on_no_frame_out_of_reach(first: int, count: int) -> None:
    rng = np.random.default_rng(4)
    frames = filmed(*[picture(seed) * rng.uniform(0.4, 1) for seed in range(12) for _ in range(rng.integers(1, 24))])
    first = min(first, len(frames) - 1)
    past = min(first + count, len(frames))
    whole, start = verdict(frames), max(0, first - gate.REACH)
    part = gate.judge(frames[start : past + gate.REACH], first - start, past - start)
    for mine, all_ in zip(part, whole, strict=True):
        assert (mine == all_[first:past]).all()


@pytest.mark.parametrize("count", [1, 2, 10])
def test_a_recording_of_a_few_frames_is_judged(count: int) -> None:
    assert [len(marks) for marks in verdict(filmed(*[ONE] * count))] == [count] * 4


def test_a_dissolve_in_which_nothing_else_moves_is_beyond_doubt() -> None:
    mixed = [ONE + (OTHER - ONE) * (place + 1) / 19 for place in range(18)]
    seen = verdict(filmed(*[ONE] * 60, *mixed, *[OTHER] * 60))
    assert np.flatnonzero(seen.mixed).tolist() == pytest.approx(list(range(60, 78)), abs=1)
    assert not seen.open.any()


def test_a_dissolve_between_moving_pictures_is_left_to_the_network() -> None:
    old, new = ([np.roll(shape, place // 2, axis=1) for place in range(160)] for shape in (ONE, OTHER))
    shares = np.interp(np.arange(160), [70, 90], [0, 1])
    seen = verdict(filmed(*[was + (then - was) * share for was, then, share in zip(old, new, shares, strict=True)]))
    assert seen.open[72:88].all()
    assert not seen.mixed.any()


def test_a_camera_that_pans_quickly_meets_no_network() -> None:
    wide = np.concatenate([picture(seed) for seed in (1, 2, 3)], axis=1)
    seen = verdict(filmed(*[wide[:, place : place + 48] for place in range(90)]))
    assert not seen.open.any()
    assert not seen.ends.any()


def test_a_fade_to_black_and_back_is_two_dissolves() -> None:
    levels = np.interp(np.arange(160), [60, 80, 83, 103], [1, 0, 0, 1])
    seen = verdict(filmed(*[(ONE if place < 82 else OTHER) * level for place, level in enumerate(levels)]))
    assert len(gate.runs(seen.mixed)) == 2
    assert not seen.open.any()
