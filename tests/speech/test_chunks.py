"""Speech cut into pieces of work."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cutroom.contracts.documents import Cue, Cues
from cutroom.speech.chunks import CUES_CHUNK_S, LONGEST_S, chunks_around_cues, chunks_at_silences
from cutroom.speech.sound import FRAME_S, Decibels, loud_frames

LOUD, QUIET = -20.0, -60.0


def loudness(*stretches: tuple[float, float]) -> Decibels:
    """`(seconds, decibels)` after one another, with a little unrest."""
    levels = np.concatenate([np.full(round(seconds / FRAME_S), level) for seconds, level in stretches])
    return (levels + np.random.default_rng(0).normal(0, 0.5, levels.size)).astype(np.float32)


def test_a_long_talk_is_cut_inside_its_pauses() -> None:
    chunks = chunks_at_silences(loudness(*[(9.0, LOUD), (0.6, QUIET)] * 20))
    assert len(chunks) >= 6
    for chunk in chunks[:-1]:
        assert 9.0 < chunk.end_s % 9.6 < 9.6


def test_without_pauses_the_quietest_moment_is_cut() -> None:
    chunks = chunks_at_silences(loudness((22.0, LOUD), (0.12, -40.0), (30.0, LOUD), (1.0, QUIET)))
    assert 22.0 <= chunks[0].end_s <= 22.12


def test_long_silences_are_left_out() -> None:
    chunks = chunks_at_silences(loudness((40.0, QUIET), (5.0, LOUD), (60.0, QUIET), (5.0, LOUD), (40.0, QUIET)))
    assert [(round(chunk.start_s), round(chunk.end_s)) for chunk in chunks] == [(40, 45), (105, 110)]


def test_silence_gives_no_work() -> None:
    assert chunks_at_silences(loudness((90.0, -70.0))) == []
    assert chunks_at_silences(np.zeros(0, np.float32)) == []


@given(st.lists(st.tuples(st.floats(0.05, 70), st.sampled_from([LOUD, QUIET, -30.0])), max_size=12))
def test_chunks_are_short_ordered_and_hold_all_that_is_loud(stretches: list[tuple[float, float]]) -> None:
    levels = loudness(*stretches) if stretches else np.zeros(0, np.float32)
    chunks = chunks_at_silences(levels)
    covered = np.zeros(levels.size, int)
    for number, chunk in enumerate(chunks):
        assert chunk.index == number
        assert chunk.end_s - chunk.start_s <= LONGEST_S + 0.01
        covered[round(chunk.start_s / FRAME_S) : round(chunk.end_s / FRAME_S)] += 1
    assert covered.max(initial=0) <= 1
    assert (covered[loud_frames(levels)] == 1).all()


@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0.1, 90)), max_size=60))
def test_every_caption_is_in_exactly_one_chunk(spans: list[tuple[float, float]]) -> None:
    now, cues = 0.0, []
    for gap, length in spans:
        now += gap
        cues.append(Cue(start_s=now, end_s=now + length, text="word"))
    chunks = chunks_around_cues(Cues(cues=cues))
    assert [i for chunk in chunks for i in range(chunk.first_cue, chunk.last_cue)] == list(range(len(cues)))
    for chunk in chunks:
        assert chunk.end_s - chunk.start_s <= CUES_CHUNK_S or chunk.last_cue - chunk.first_cue == 1
