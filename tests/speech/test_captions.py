"""Captions to words with times, on a talk whose truth is known."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from cutroom.contracts.documents import Cue, Cues, Transcript, Word
from cutroom.contracts.media import SpeechChunk
from cutroom.speech.align import Timed
from cutroom.speech.captions import CaptionsRecogniser, in_order, timed_words
from cutroom.speech.chunks import chunks_around_cues
from cutroom.speech.join import join_parts
from cutroom.speech.sound import RATE, duration_of
from tests.speech.conftest import Talk, write_sound

OTHER_TEXT = (
    "Seventeen elephants crossed the muddy river before breakfast.",
    "Nobody expected the orchestra to play without any violins.",
    "Purple umbrellas are rarely forgotten under a wooden bridge.",
    "He keeps his marbles in the cellar with the old newspapers.",
)


def transcribe(sound: Path, cues: Cues, language: str = "en") -> Transcript:
    recogniser = CaptionsRecogniser(cues)
    parts = [recogniser.transcribe(sound, chunk, language, lambda share: None) for chunk in chunks_around_cues(cues)]
    return join_parts("captions", language, duration_of(sound), parts)


def test_a_word_that_is_found_in_noise_before_its_caption_begins_with_it() -> None:
    cue = Cue(start_s=51.0, end_s=53.0, text="They waited longer.")
    rest = [Timed(51.3, 51.8, -1.5), Timed(51.9, 52.4, -1.5)]
    astray, sound = timed_words(cue, [Timed(50.5, 50.6, -6.0), *rest]), timed_words(cue, [Timed(50.5, 50.6, -2.0), *rest])
    assert [(word.start_s, word.end_s, word.aligned) for word in (astray[0], sound[0])] == [(51.0, 51.3, False), (50.5, 50.6, True)]
    assert not any(word.aligned for word in timed_words(cue, 3 * [Timed(50.5, 50.6, -6.0)]))


def moved(cues: Cues, shifts: Sequence[float]) -> Cues:
    pairs = zip(cues.cues, shifts, strict=True)
    return Cues(cues=[cue.model_copy(update={"start_s": max(0.0, cue.start_s + d), "end_s": cue.end_s + d}) for cue, d in pairs])


def errors_of(transcript: Transcript, talk: Talk) -> np.ndarray:
    """Absolute errors of starts and ends, seconds."""
    assert [word.text for word in transcript.words] == [word.text for word in talk.words]
    pairs = zip(transcript.words, talk.words, strict=True)
    return np.array([(abs(w.start_s - true.start_s), abs(w.end_s - true.end_s)) for w, true in pairs])


def assert_on_time(transcript: Transcript, talk: Talk) -> None:
    errors = errors_of(transcript, talk)
    assert np.percentile(errors, 95) <= 0.1
    assert errors.max() <= 0.3


def test_words_are_within_a_tenth_of_a_second_of_the_truth(talk: Talk) -> None:
    transcript = transcribe(talk.sound, talk.cues)
    assert_on_time(transcript, talk)
    assert all(word.aligned for word in transcript.words)
    assert transcript.warnings == []


@pytest.mark.parametrize("shift_s", [-1.0, 1.0])
def test_captions_a_second_off_still_find_their_words(talk: Talk, shift_s: float) -> None:
    assert_on_time(transcribe(talk.sound, moved(talk.cues, [shift_s] * len(talk.cues.cues))), talk)


def test_captions_that_jitter_still_find_their_words(talk: Talk) -> None:
    shifts = [0.7 * (-1) ** i for i in range(len(talk.cues.cues))]
    assert_on_time(transcribe(talk.sound, moved(talk.cues, shifts)), talk)


def test_sentences_are_those_of_the_captions(talk: Talk) -> None:
    sentences = transcribe(talk.sound, talk.cues).sentences
    assert [sentence.text for sentence in sentences] == [cue.text for cue in talk.cues.cues]


def test_words_outside_the_dictionary_are_found_too(talk: Talk) -> None:
    """The same sounds, written so that no dictionary has them."""
    strange = {"cheapest": "cheepesst", "motors": "mohturz", "mirror.": "mirrur."}
    assert set(strange) <= {word.text for word in talk.words}
    cues = [
        cue.model_copy(update={"text": " ".join(strange.get(word, word) for word in cue.text.split())}) for cue in talk.cues.cues
    ]
    words = transcribe(talk.sound, Cues(cues=cues)).words
    for word, true in zip(words, talk.words, strict=True):
        assert abs(word.start_s - true.start_s) < 0.3
        assert word.aligned


def test_captions_of_another_text_fall_back_to_their_own_times_and_warn(talk: Talk) -> None:
    cues = [cue.model_copy(update={"text": OTHER_TEXT[i % 4]}) for i, cue in enumerate(talk.cues.cues)]
    transcript = transcribe(talk.sound, Cues(cues=cues))
    assert sum(word.aligned for word in transcript.words) < len(transcript.words) / 4
    assert any("fit the sound badly" in warning for warning in transcript.warnings)
    at = 0
    for cue in cues:
        said = transcript.words[at : at + len(cue.text.split())]
        assert cue.start_s - 1.25 <= said[0].start_s <= said[-1].end_s <= cue.end_s + 1.25
        at += len(said)


def test_one_wrong_caption_leaves_its_neighbours_on_time(talk: Talk) -> None:
    wrong = 3
    cues = list(talk.cues.cues)
    cues[wrong] = cues[wrong].model_copy(update={"text": OTHER_TEXT[0]})
    transcript = transcribe(talk.sound, Cues(cues=cues))
    before = sum(len(cue.text.split()) for cue in cues[:wrong])
    after = sum(len(cue.text.split()) for cue in cues[wrong + 1 :])
    pairs = [
        *zip(transcript.words[:before], talk.words[:before], strict=True),
        *zip(transcript.words[-after:], talk.words[-after:], strict=True),
    ]
    assert np.percentile([abs(word.start_s - true.start_s) for word, true in pairs], 95) <= 0.1
    assert not any(word.aligned for word in transcript.words[before:-after])


def test_captions_over_silence_are_spread_over_their_own_time(tmp_path: Path) -> None:
    sound = write_sound(tmp_path / "silence.flac", np.zeros(10 * RATE))
    transcript = transcribe(sound, Cues(cues=[Cue(start_s=2, end_s=5, text="Nobody says this.")]))
    assert [word.text for word in transcript.words] == ["Nobody", "says", "this."]
    assert not any(word.aligned for word in transcript.words)
    assert transcript.words[0].start_s == pytest.approx(2, abs=0.05)
    assert transcript.words[-1].end_s == pytest.approx(5, abs=0.05)
    assert transcript.warnings[0].startswith("The times of 3 of 3 words are estimated")


def test_estimated_words_keep_to_the_loud_part_of_their_caption(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).normal(0, 0.0003, 10 * RATE)
    samples[4 * RATE : 5 * RATE] += np.random.default_rng(1).normal(0, 0.2, RATE)
    sound = write_sound(tmp_path / "burst.flac", np.clip(samples, -1, 1))
    words = transcribe(sound, Cues(cues=[Cue(start_s=2, end_s=8, text="Zwölf Boxkämpfer jagen Viktor quer.")])).words
    assert words[0].start_s >= 3.9
    assert words[-1].end_s <= 5.1


def test_overlapping_captions_give_words_that_do_not_overlap(talk: Talk) -> None:
    cues = [cue.model_copy(update={"end_s": cue.end_s + 2.0}) for cue in talk.cues.cues]
    words = transcribe(talk.sound, Cues(cues=cues)).words
    assert [word.text for word in words] == [word.text for word in talk.words]
    for word, following in pairwise(words):
        assert word.start_s < word.end_s <= following.start_s


def test_the_same_chunk_gives_the_same_words_whatever_was_heard_before(talk: Talk) -> None:
    recogniser = CaptionsRecogniser(talk.cues)
    first, later = (SpeechChunk(index=0, start_s=0, end_s=0, first_cue=a, last_cue=a + 2) for a in (0, 4))
    once = recogniser.transcribe(talk.sound, first, "en", lambda share: None)
    recogniser.transcribe(talk.sound, later, "en", lambda share: None)
    assert recogniser.transcribe(talk.sound, first, "en", lambda share: None) == once


def test_speakers_of_captions_become_speakers_of_words(talk: Talk) -> None:
    cues = [cue.model_copy(update={"speaker": "AB"[i % 2]}) for i, cue in enumerate(talk.cues.cues)]
    transcript = transcribe(talk.sound, Cues(cues=cues))
    assert [sentence.speaker for sentence in transcript.sentences] == ["AB"[i % 2] for i in range(len(cues))]


def test_progress_ends_at_one(talk: Talk) -> None:
    told: list[float] = []
    chunk = SpeechChunk(index=0, start_s=0, end_s=talk.length_s, first_cue=0, last_cue=3)
    CaptionsRecogniser(talk.cues).transcribe(talk.sound, chunk, "en", told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_words_in_order_never_overlap_and_always_last() -> None:
    def word(start: float, end: float) -> Word:
        return Word(text="w", start_s=start, end_s=end)

    ordered = in_order([word(0, 2), word(1, 1), word(0.5, 0.6), word(3, 4)])
    for one, following in pairwise(ordered):
        assert one.start_s < one.end_s <= following.start_s
    assert ordered[-1] == word(3, 4)
