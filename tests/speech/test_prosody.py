"""What the sound of a sentence says beyond its words."""

import math
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutroom.errors import ArtifactMissing
from cutroom.speech.pitch import pitch_of
from cutroom.speech.prosody import SentenceSound, sentence_sounds
from cutroom.speech.sound import RATE
from tests.speech import synthesis
from tests.speech.conftest import Talk, write_sound
from tests.speech.synthesis import Sound, sentence, silence, speech, talk_of, tone


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def hear(folder: Path, *parts: tuple[Sound, float]) -> list[SentenceSound]:
    sound, sentences = talk_of(parts, np.random.default_rng(0))
    return sentence_sounds(write_sound(folder / "sound.flac", np.clip(sound, -1, 1)), sentences)


@pytest.mark.parametrize("pitch_hz", [70, 100, 150, 220, 330, 470])
@pytest.mark.parametrize("formants", [(300, 900, 2300), (700, 1200, 2500)])
def test_pitch_is_found_without_slipping_an_octave(pitch_hz: float, formants: tuple[float, float, float]) -> None:
    found = pitch_of(tone(pitch_hz, 1, formants).astype(np.float32))[10:-10]
    assert np.abs(12 * np.log2(found / pitch_hz)).max() < 0.3


def test_pitch_is_found_in_noise_and_nowhere_in_noise_alone(rng: np.random.Generator) -> None:
    noise = rng.normal(0, 0.03, 2 * RATE)
    voiced = pitch_of((tone(180, 2) + noise).astype(np.float32))[10:-10]
    assert np.median(np.abs(12 * np.log2(voiced[voiced > 0] / 180))) < 0.3
    assert (voiced > 0).mean() > 0.9
    assert (pitch_of(noise.astype(np.float32)) > 0).mean() < 0.02


def test_a_louder_sentence_and_a_rising_one_are_told(tmp_path: Path, rng: np.random.Generator) -> None:
    swell = speech(3, 120, 1, rng) * np.linspace(0.3, 1.7, 3 * RATE)
    quiet, loud, rising = hear(tmp_path, (speech(3, 120, 1, rng, 0.05), 0.5), (speech(3, 120, 1, rng, 0.2), 0.5), (swell, 0.5))
    assert loud.loudness_db - quiet.loudness_db == pytest.approx(12, abs=0.2)
    assert rising.loudness_change_db > 6 > 3 > abs(quiet.loudness_change_db)


def test_a_lively_voice_has_a_wider_range_than_a_flat_one(tmp_path: Path) -> None:
    melody = 150 * 2 ** (4 * np.sin(np.linspace(0, 12, 3 * RATE)) / 12)
    flat, lively = hear(tmp_path, (tone(150, 3), 1), (tone(melody, 3), 1))
    assert flat.pitch_hz == pytest.approx(150, rel=0.01)
    assert flat.pitch_range_st < 0.5
    assert 6 < lively.pitch_range_st < 8.5


def test_pace_and_pauses_come_from_the_times(tmp_path: Path, rng: np.random.Generator) -> None:
    first, second = hear(tmp_path, (speech(2, 120, 1, rng), 0.75), (speech(3, 120, 1, rng), 1.25))
    assert (first.words_per_s, second.words_per_s) == (pytest.approx(3), pytest.approx(2))
    assert (first.pause_before_s, first.pause_after_s) == (pytest.approx(0.5), pytest.approx(0.75))
    assert (second.pause_before_s, second.pause_after_s) == (pytest.approx(0.75), pytest.approx(1.25))


def test_applause_and_laughter_after_a_sentence_are_heard_and_told_apart(tmp_path: Path, rng: np.random.Generator) -> None:
    said = [speech(3, 120, 1, rng) for _ in range(4)]
    parts = [(part, 3.0) for part in said]
    sound, sentences = talk_of(parts, rng)
    for index, made in ((1, synthesis.applause(2.5, rng)), (2, synthesis.laugh(2.5, rng))):
        start = round((sentences[index].end_s + 0.2) * RATE)
        sound[start : start + made.size] += made
    still, clapped, laughed, last = sentence_sounds(write_sound(tmp_path / "sound.flac", sound), sentences)
    assert clapped.applause > 0.8 > 0.2 > max(still.applause, laughed.applause, last.applause)
    assert laughed.laughter > 0.8 > 0.2 > max(still.laughter, clapped.laughter, last.laughter)


def test_a_steady_hiss_that_is_always_there_is_no_applause(tmp_path: Path, rng: np.random.Generator) -> None:
    sound, sentences = talk_of([(speech(3, 120, 1, rng), 3.0) for _ in range(3)], rng)
    sound += rng.normal(0, 0.02, sound.size)
    assert max(heard.applause for heard in sentence_sounds(write_sound(tmp_path / "sound.flac", sound), sentences)) < 0.2


def test_speech_is_neither_applause_nor_laughter(talk: Talk) -> None:
    heard = sentence_sounds(talk.sound, [sentence(cue.start_s, cue.start_s + 0.1) for cue in talk.cues.cues])
    assert max(max(each.applause, each.laughter) for each in heard) < 0.5


def test_a_missing_sound_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactMissing):
        sentence_sounds(tmp_path / "sound.flac", [])


@pytest.fixture(scope="module")
def odd_sounds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, rng = tmp_path_factory.mktemp("odd"), np.random.default_rng(3)
    sounds = {
        "silence": np.zeros(6 * RATE),
        "clipped": np.clip(20 * speech(6, 120, 1, rng), -1, 1),
        "steady": np.full(6 * RATE, 0.5),
        "still room": silence(6, rng),
        "an instant": np.full(100, 0.2),
    }
    return {name: write_sound(folder / f"{name}.flac", sound) for name, sound in sounds.items()}


spans = st.lists(st.tuples(st.floats(-2, 9), st.floats(0, 4)), max_size=5)


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(["silence", "clipped", "steady", "still room", "an instant"]), spans=spans)
def test_every_sentence_gets_finite_values_whatever_the_sound(
    odd_sounds: dict[str, Path], name: str, spans: list[tuple[float, float]]
) -> None:
    heard = sentence_sounds(odd_sounds[name], [sentence(start, start + length) for start, length in spans])
    assert len(heard) == len(spans)
    for each in heard:
        assert all(math.isfinite(value) for value in astuple(each))
        assert -60 <= each.loudness_db <= 60
        assert 0 <= each.laughter <= 1
        assert 0 <= each.applause <= 1
        assert min(each.pitch_hz, each.pitch_range_st, each.pause_before_s, each.pause_after_s) >= 0


def test_the_order_in_which_sentences_are_given_changes_nothing(odd_sounds: dict[str, Path]) -> None:
    sentences = [sentence(start, start + 0.8) for start in (0.2, 1.5, 2.7, 4.1)]
    forth, back = (sentence_sounds(odd_sounds["clipped"], each) for each in (sentences, sentences[::-1]))
    assert [astuple(each) for each in back[::-1]] == [pytest.approx(astuple(each)) for each in forth]
