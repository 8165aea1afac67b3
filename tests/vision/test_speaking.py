"""Who speaks, on photographs whose mouths open with a sound."""

import numpy as np
import pytest

from cutroom.contracts.documents import Sentence
from cutroom.local.sample_stage import PEOPLE, _open_mouth, _photograph
from cutroom.vision.faces import Face
from cutroom.vision.looks import Sighting, _sighting
from cutroom.vision.speaking import Voice, speaking, with_known_voices
from cutroom.vision.tracks import Track

LOOKS = 30


@pytest.fixture(scope="module")
def voice() -> Voice:
    """Six seconds of syllables."""
    rng = np.random.default_rng(4)
    level = np.clip(np.convolve(rng.normal(0, 1, LOOKS * 20), np.hanning(14), "same"), 0, None)
    return Voice(0.0, np.clip(level / np.percentile(level, 95), 0, 1))


def track(who: str, mouth: np.ndarray) -> Track:
    """A person in the sample talk, the mouth opened (0 to 1) at each look."""
    photo, person = _photograph(who), PEOPLE[who]
    seen: list[Sighting] = []
    for look, opening in enumerate(mouth):
        picture = _open_mouth(photo, person, float(opening))
        x, y, w, h = person.face
        noisy = np.clip(picture + np.random.default_rng(look).normal(0, 3, picture.shape), 0, 255).astype(np.uint8)
        seen.append(_sighting(Face(x + look % 3, y - look % 2, w, h, 0.9), noisy[:, :, 1], noisy))
    return Track([look / 5 for look in range(len(mouth))], seen)


@pytest.mark.parametrize("who", ["A", "B"])
def test_a_mouth_that_opens_with_the_sound_speaks_and_a_shut_one_does_not(who: str, voice: Voice) -> None:
    times = [look / 5 for look in range(LOOKS)]
    assert np.median(speaking(track(who, voice.at(times, 0.05)), voice)) > 0.1
    assert np.median(speaking(track(who, np.zeros(LOOKS)), voice)) < 0


def test_nobody_speaks_in_silence(voice: Voice) -> None:
    moving = track("A", voice.at([look / 5 for look in range(LOOKS)], 0.05))
    assert not speaking(moving, Voice(0.0, np.zeros(LOOKS * 20))).any()


def said(speaker: str | None, start_s: float, end_s: float) -> Sentence:
    return Sentence(text="", start_s=start_s, end_s=end_s, first_word=0, last_word=0, speaker=speaker)


def test_a_face_seen_speaking_for_a_voice_is_its_face_in_later_shots_too() -> None:
    one, other = track("A", np.zeros(10)), track("B", np.zeros(10))
    scores = [np.full(10, 1.0), np.full(10, -0.5), np.zeros(10), np.zeros(10)]
    later = [Track([time + 10 for time in shot.times], shot.sightings) for shot in (one, other)]
    raised = with_known_voices(scores, [one, other, *later], [said("spk1", 0, 5), said("spk1", 9, 15)])
    assert raised[2].min() > 0 > raised[3].max()


def test_sentences_without_a_voice_change_nothing() -> None:
    scores = [np.full(10, 1.0), np.full(10, -0.5)]
    tracks = [track("A", np.zeros(10)), track("B", np.zeros(10))]
    assert all((a == b).all() for a, b in zip(with_known_voices(scores, tracks, [said(None, 0, 5)]), scores, strict=True))
