"""When each word of a known text is said."""

import numpy as np

from cutroom.speech.align import NOISE_SCORE, Aligner, Timed, lost
from cutroom.speech.sound import read_samples
from tests.speech.conftest import Talk


def test_wherever_the_sound_begins_a_short_word_keeps_its_own_sound(talk: Talk) -> None:
    """Frames are skipped in step with the beginning, and some steps lose `A` to the pause before it."""
    said = [word for word in talk.words if 2 <= word.sentence < 6]
    aligner, worst = Aligner(), []
    for step in range(10):
        start_s = said[0].start_s - 0.3 - step * 0.011
        samples = read_samples(talk.sound, start_s, said[-1].end_s + 0.3)
        times = aligner.align(samples, [word.text for word in said], "en")
        worst.append(max(abs(time.start_s + start_s - word.start_s) for time, word in zip(times, said, strict=True) if time))
    assert np.max(worst) < 0.2


def test_a_word_is_lost_where_it_sounds_like_noise_beside_a_pause() -> None:
    spans = [(0.0, 0.5), (0.5, 0.6), (1.2, 1.5), (1.5, 1.8), (1.8, 2.0), (2.0, 2.4)]
    fine = [Timed(start_s, end_s, NOISE_SCORE + 2) for start_s, end_s in spans]
    assert lost(fine) == []
    noisy = [word._replace(score=NOISE_SCORE) for word in fine]
    assert lost([fine[0], noisy[1], *fine[2:]]) == [1]
    assert lost([*fine[:4], noisy[4], fine[5]]) == []
    assert lost(noisy) == []
