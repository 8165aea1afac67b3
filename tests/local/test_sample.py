"""The sample talk is what its truth file says."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cutroom.local.sample import FPS, Sample, make_sample, plan_shots
from cutroom.local.sample_speech import RATE, speak_talk


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return make_sample(tmp_path_factory.mktemp("sample"), seconds=30)


@pytest.fixture(scope="module")
def truth(sample: Sample) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(sample.truth.read_text())
    return loaded


def test_every_written_word_has_its_own_times_in_order() -> None:
    speech = speak_talk(120, seed=1)
    spoken = [[word.text for word in speech.words if word.sentence == i] for i in range(len(speech.lines))]
    assert [" ".join(words) for words in spoken] == [line.line.text for line in speech.lines]
    times = [at for word in speech.words for at in (word.start_s, word.end_s)]
    assert times == sorted(times)
    assert min(word.end_s - word.start_s for word in speech.words) > 0.03


def test_words_are_where_the_sound_is() -> None:
    speech = speak_talk(60, seed=1)
    heard = np.zeros(len(speech.sound), bool)
    for word in speech.words:
        heard[int(word.start_s * RATE) : int(word.end_s * RATE)] = True
    loudness = speech.sound.astype(float) ** 2
    assert loudness[heard].mean() > 1000 * loudness[~heard].mean()


def test_a_pause_of_a_quarter_second_parts_any_two_sentences() -> None:
    lines = speak_talk(300, seed=7).lines
    assert min(after.start_s - before.end_s for before, after in pairwise(lines)) >= 0.25


def test_the_same_seed_gives_the_same_sound_and_another_seed_does_not() -> None:
    first, again, other = speak_talk(30, 1), speak_talk(30, 1), speak_talk(30, 2)
    assert np.array_equal(first.sound, again.sound)
    assert first.words == again.words
    assert not np.array_equal(first.sound, other.sound)


def test_two_minutes_hold_all_kinds_of_shots_and_joins() -> None:
    shots = plan_shots(speak_talk(120, 1), 120, 1)
    assert {shot.kind for shot in shots} == {"A", "B", "two", "slide"}
    assert any(shot.mixed for shot in shots)
    assert any(shot.dims_at for shot in shots)
    assert [shot.start for shot in shots[1:]] == [shot.end for shot in shots[:-1]]
    assert min(shot.end - shot.start for shot in shots) >= FPS
    assert shots[-1].end == 120 * FPS


def test_the_picture_changes_at_the_cuts_of_the_truth_and_nowhere_else(sample: Sample, truth: dict[str, Any]) -> None:
    import cv2

    frames, video = [], cv2.VideoCapture(str(sample.video))
    while (read := video.read())[0]:
        frames.append(cv2.resize(read[1], (48, 27), interpolation=cv2.INTER_AREA).astype(int))
    assert len(frames) == 30 * FPS
    change = [0.0] + [float(np.abs(b - a).mean()) for a, b in pairwise(frames)]
    assert [frame for frame, much in enumerate(change) if much > 12] == truth["cuts"]


def test_faces_are_whole_inside_the_frame_and_as_many_as_the_shot_shows(truth: dict[str, Any]) -> None:
    people = {"A": 1, "B": 1, "two": 2, "slide": 0}
    assert truth["faces"]
    for sample in truth["faces"]:
        kind = next(s["kind"] for s in truth["shots"] if s["start_frame"] <= sample["frame"] < s["end_frame"])
        assert len(sample["boxes"]) == people[kind]
        for box in sample["boxes"]:
            assert 0 <= box["x"] < box["x"] + box["w"] <= truth["width"]
            assert 0 <= box["y"] < box["y"] + box["h"] <= truth["height"]


def test_captions_are_the_sentences_with_their_times(sample: Sample, truth: dict[str, Any]) -> None:
    import pysubs2

    cues = pysubs2.load(str(sample.captions))
    assert [(cue.text, cue.start, cue.end) for cue in cues] == [
        (s["text"], round(s["start_s"] * 1000), round(s["end_s"] * 1000)) for s in truth["sentences"]
    ]


def test_a_sample_that_is_too_short_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="30 s"):
        make_sample(tmp_path, seconds=10)
