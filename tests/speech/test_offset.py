"""Captions that lie beside what is said."""

import numpy as np
import pytest

from cutroom.contracts.documents import Cue, Cues
from cutroom.local.sample_speech import speak_talk
from cutroom.speech.offset import FEWEST, in_step
from cutroom.speech.sound import DEAD_DB, Decibels, loudness_of, read_samples
from tests.speech.conftest import Talk


@pytest.fixture(scope="module")
def loudness(talk: Talk) -> Decibels:
    return loudness_of(read_samples(talk.sound, 0, talk.length_s))


def moved(cues: list[Cue], by_s: float) -> Cues:
    """As a file has them: nothing before the recording's beginning."""
    later = [cue.model_copy(update={"start_s": max(0.0, cue.start_s + by_s), "end_s": cue.end_s + by_s}) for cue in cues]
    return Cues(cues=[cue for cue in later if cue.end_s > 0])


@pytest.mark.parametrize("late_s", [0.8, 4.0, 25.0, -0.8, -2.5])
def test_captions_all_late_or_early_by_the_same_time_are_moved_to_what_they_tell(
    talk: Talk, loudness: Decibels, late_s: float
) -> None:
    mended = in_step(moved(talk.cues.cues, late_s), loudness)
    assert mended.late_s == pytest.approx(late_s, abs=0.15)
    true = {cue.text: cue for cue in talk.cues.cues}
    assert all(cue.end_s == pytest.approx(true[cue.text].end_s, abs=0.15) for cue in mended.cues)
    assert all(cue.start_s >= 0 for cue in mended.cues)


@pytest.mark.parametrize("late_s", [0.0, 0.25, -0.25])
def test_captions_about_in_step_are_left_alone(talk: Talk, loudness: Decibels, late_s: float) -> None:
    given = moved(talk.cues.cues, late_s)
    assert in_step(given, loudness) == given


def test_captions_of_another_recording_are_left_alone(loudness: Decibels) -> None:
    other = [Cue(start_s=line.start_s, end_s=line.end_s, text=line.line.text) for line in speak_talk(30, 9).lines]
    assert in_step(Cues(cues=other), loudness).late_s == 0


def test_few_captions_are_left_alone(talk: Talk, loudness: Decibels) -> None:
    assert in_step(moved(talk.cues.cues[: FEWEST - 1], 4.0), loudness).late_s == 0


def test_captions_without_a_pause_between_them_are_left_alone(talk: Talk, loudness: Decibels) -> None:
    times = np.linspace(4, talk.length_s, len(talk.cues.cues) + 1)
    given = Cues(
        cues=[
            cue.model_copy(update={"start_s": float(start_s), "end_s": float(end_s)})
            for cue, start_s, end_s in zip(talk.cues.cues, times[:-1], times[1:], strict=True)
        ]
    )
    assert in_step(given, loudness) == given


@pytest.mark.parametrize("level", [DEAD_DB, -20.0])
def test_where_nothing_is_heard_or_all_is_as_loud_captions_are_left_alone(talk: Talk, level: float) -> None:
    given = moved(talk.cues.cues, 4.0)
    assert in_step(given, np.full(3000, level, np.float32)) == given
