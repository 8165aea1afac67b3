"""Voice activity by the real network."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cutroom.contracts.media import Span
from cutroom.errors import ArtifactMissing
from cutroom.speech.sound import RATE, read_samples
from cutroom.speech.vad import STEP, spans_of, speech_in, speech_in_file
from tests.speech.conftest import Talk


def test_speech_is_found_where_it_is(talk: Talk) -> None:
    true, found = np.zeros(3000, bool), np.zeros(3000, bool)
    for word in talk.words:
        true[round(word.start_s * 100) : round(word.end_s * 100)] = True
    for span in spans_of(speech_in_file(talk.sound)):
        found[round(span.start_s * 100) : round(span.end_s * 100)] = True
    assert (true & found).sum() / true.sum() >= 0.97
    assert (true & found).sum() / found.sum() >= 0.85


def test_noise_and_music_are_no_speech() -> None:
    noise = np.random.default_rng(0).normal(0, 3000, 10 * RATE).astype(np.int16)
    at = np.arange(10 * RATE) / RATE
    chord = sum(4000 * np.sin(2 * np.pi * pitch * at) * (np.sin(np.pi * at + pitch) > 0) for pitch in (220, 277, 330))
    assert spans_of(speech_in(noise)) == []
    assert spans_of(speech_in(np.asarray(chord, np.int16))) == []


def test_a_file_is_heard_the_same_in_pieces_as_at_once(talk: Talk) -> None:
    samples = read_samples(talk.sound, 0.0, 30.0)
    assert np.allclose(speech_in_file(talk.sound), speech_in(samples), atol=1e-4)
    part = speech_in_file(talk.sound, Span(start_s=5.0, end_s=8.0))
    assert part.size == -(-3 * RATE // STEP)


def test_a_sound_that_is_gone_is_made_again(tmp_path: Path) -> None:
    with pytest.raises(ArtifactMissing):
        speech_in_file(tmp_path / "gone.flac")


def test_an_empty_sound_has_no_speech() -> None:
    assert spans_of(speech_in(np.zeros(0, np.int16))) == []


def test_the_network_needs_no_model_library() -> None:
    code = "from cutroom.speech.vad import network; network(); import sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
