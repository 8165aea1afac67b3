"""Reading the prepared sound and finding where somebody speaks."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from cutroom.errors import ArtifactMissing
from cutroom.speech.sound import (
    RATE,
    duration_of,
    keep_loudness,
    kept_loudness,
    loud_frames,
    loudness_of,
    read_samples,
    silences_of,
)
from tests.speech.conftest import Talk


def test_a_span_is_read_to_the_sample_and_clipped_to_the_file(talk: Talk) -> None:
    whole = read_samples(talk.sound, 0, talk.length_s)
    assert np.array_equal(read_samples(talk.sound, 3.25, 4.5), whole[52_000:72_000])
    assert read_samples(talk.sound, talk.length_s - 1, talk.length_s + 9).size == RATE
    assert read_samples(talk.sound, talk.length_s + 1, talk.length_s + 9).size == 0


def test_kept_loudness_is_that_of_the_samples(talk: Talk, tmp_path: Path) -> None:
    kept = tmp_path / "loudness.npy"
    keep_loudness(talk.sound, kept)
    for start_s, end_s in ((0, talk.length_s), (3.25, 4.5), (talk.length_s - 1, talk.length_s + 9), (talk.length_s + 1, 999)):
        heard = loudness_of(read_samples(talk.sound, start_s, end_s))
        assert kept_loudness(kept, start_s, end_s) == pytest.approx(heard, abs=0.05)


def test_the_pauses_between_sentences_are_found(talk: Talk) -> None:
    pauses = silences_of(loud_frames(loudness_of(read_samples(talk.sound, 0, talk.length_s))), 0.25)
    for before, after in pairwise(talk.cues.cues):
        middle = (before.end_s + after.start_s) * 50
        assert any(pause.first < middle < pause.last for pause in pauses)


def test_no_word_lies_in_a_pause(talk: Talk) -> None:
    pauses = silences_of(loud_frames(loudness_of(read_samples(talk.sound, 0, talk.length_s))), 0.25)
    for word in talk.words:
        middle = (word.start_s + word.end_s) * 50
        assert not any(pause.first < middle < pause.last for pause in pauses)


@pytest.mark.parametrize("level", [0.0, 0.0005])
def test_silence_and_faint_noise_alone_are_not_loud(level: float) -> None:
    samples = np.random.default_rng(1).normal(0, level * 32768, 20 * RATE).astype(np.int16)
    assert not loud_frames(loudness_of(samples)).any()


def test_speech_over_a_noisy_room_is_still_told_from_the_room() -> None:
    rng = np.random.default_rng(2)
    samples = rng.normal(0, 300, 10 * RATE)
    samples[4 * RATE : 6 * RATE] += rng.normal(0, 6000, 2 * RATE)
    loud = loud_frames(loudness_of(samples.astype(np.int16)))
    assert loud[400:600].all()
    assert not loud[:400].any()
    assert not loud[600:].any()


def test_a_sound_that_cannot_be_read_is_named_missing(tmp_path: Path) -> None:
    (tmp_path / "sound.flac").write_bytes(b"no sound")
    with pytest.raises(ArtifactMissing):
        duration_of(tmp_path / "sound.flac")
    with pytest.raises(ArtifactMissing):
        read_samples(tmp_path / "sound.flac", 0, 1)
