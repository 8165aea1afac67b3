"""Speech cut into pieces of work."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cutroom.contracts.documents import Cue, Cues
from cutroom.contracts.media import Span, SpeechChunk
from cutroom.speech.chunks import (
    CUES_CHUNK_S,
    LONGEST_S,
    MOST_PIECES,
    MOST_UNTOLD,
    chunks_around_cues,
    chunks_of_speech,
    chunks_untold,
    in_order_of_time,
    untold,
)
from cutroom.speech.vad import STEP_S, Probabilities, spans_of


def speech(*stretches: tuple[float, float]) -> Probabilities:
    """`(seconds, probability)` after one another."""
    return np.concatenate([np.full(round(seconds / STEP_S), chance, np.float32) for seconds, chance in stretches])


def test_a_long_talk_is_cut_inside_its_pauses() -> None:
    chunks = chunks_of_speech(speech(*[(9.0, 0.9), (0.6, 0.1)] * 20))
    assert len(chunks) >= 6
    for chunk in chunks[:-1]:
        assert 9.0 < chunk.end_s % (round(9.0 / STEP_S) * STEP_S + round(0.6 / STEP_S) * STEP_S) < 9.65


def test_without_pauses_two_pieces_hear_the_moment_of_the_cut() -> None:
    chunks = chunks_of_speech(speech((22.0, 0.9), (0.06, 0.6), (30.0, 0.9)))
    assert chunks[1].start_s < 22.0 < chunks[0].end_s
    assert chunks[0].end_s - chunks[0].start_s <= LONGEST_S


def test_long_silences_are_left_out() -> None:
    chunks = chunks_of_speech(speech((40.0, 0.0), (5.0, 0.9), (60.0, 0.0), (5.0, 0.9), (40.0, 0.0)))
    assert [(round(chunk.start_s), round(chunk.end_s)) for chunk in chunks] == [(40, 45), (105, 110)]


def test_what_is_no_speech_gives_no_work() -> None:
    assert chunks_of_speech(speech((90.0, 0.2))) == []
    assert chunks_of_speech(np.zeros(0, np.float32)) == []


@given(st.lists(st.tuples(st.floats(0.05, 70), st.sampled_from([0.9, 0.0, 0.4])), max_size=12))
def test_chunks_are_short_ordered_and_hold_all_that_is_said(stretches: list[tuple[float, float]]) -> None:
    heard = speech(*stretches) if stretches else np.zeros(0, np.float32)
    chunks = chunks_of_speech(heard)
    assert [chunk.index for chunk in chunks] == list(range(len(chunks)))
    assert all(chunk.end_s - chunk.start_s <= LONGEST_S + 0.01 for chunk in chunks)
    covered = np.zeros(heard.size * 32 + 100, bool)
    for chunk in chunks:
        covered[round(chunk.start_s * 1000) : round(chunk.end_s * 1000)] = True
    for span in spans_of(heard):
        assert covered[round(span.start_s * 1000) : round(span.end_s * 1000)].all()


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


def test_stretches_without_captions_are_worth_hearing_where_they_are_long_and_something_is_said() -> None:
    cues = Cues(cues=[Cue(start_s=2, end_s=9, text="a"), Cue(start_s=8, end_s=10, text="b"), Cue(start_s=13, end_s=20, text="c")])
    assert untold(cues, 60.0) == [Span(start_s=20, end_s=60)]
    assert chunks_untold(speech((10.0, 0.0), (1.0, 0.9), (29.0, 0.0)), Span(start_s=20, end_s=60)) == []
    found = chunks_untold(speech((10.0, 0.0), (9.0, 0.9), (21.0, 0.0)), Span(start_s=20, end_s=60))
    assert [(round(chunk.start_s), round(chunk.end_s), chunk.last_cue) for chunk in found] == [(30, 39, 0)]
    assert [chunk.index for chunk in in_order_of_time([*chunks_around_cues(cues), *found])] == [0, 1]


def test_sparse_captions_share_their_chunks_unless_something_is_said_between_them() -> None:
    cues = Cues(cues=[Cue(start_s=5.4 * i, end_s=5.4 * i + 0.2, text="word") for i in range(2760)])
    assert len(chunks_around_cues(cues)) < 300
    between = SpeechChunk(index=0, start_s=7.0, end_s=9.0)
    assert [chunk.last_cue for chunk in chunks_around_cues(Cues(cues=cues.cues[:4]), [between])] == [2, 4]


def test_however_sparse_the_speech_there_are_no_more_pieces_than_a_workflow_may_have() -> None:
    answers = speech(*[(0.5, 0.9), (3.2, 0.0)] * 1500)
    chunks = chunks_of_speech(answers)
    assert len(chunks) <= MOST_PIECES
    assert all(any(chunk.start_s <= span.start_s < chunk.end_s for chunk in chunks) for span in spans_of(answers)[::50])
    cues = Cues(cues=[Cue(start_s=10.0 * i, end_s=10.0 * i + (3 if i % 10 else 1), text="word") for i in range(2000)])
    stretches = untold(cues, 20_000.0)
    assert len(stretches) == MOST_UNTOLD
    assert sum(stretch.end_s - stretch.start_s > 8 for stretch in stretches) == 200
