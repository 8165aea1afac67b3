"""Who speaks, by voice: as many voices as there are, and never one voice in two."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutroom.contracts.documents import Sentence, Transcript, Word
from cutroom.local.sample_speech import RATE as SPOKEN_RATE
from cutroom.local.sample_speech import speak_talk
from cutroom.speech.sound import RATE
from cutroom.speech.voices import Voices, name_speakers, nearest, told_apart, voices_of
from cutroom.speech.words import sentences_of
from tests.speech.conftest import write_sound
from tests.speech.synthesis import sentence, speech, talk_of

MAN, WOMAN, CHILD = (110.0, 1.0), (200.0, 1.17), (290.0, 1.4)


def conversation(folder: Path, turns: Sequence[tuple[float, float]], seed: int = 1) -> tuple[Path, list[Sentence]]:
    """A sentence of 2.5 to 4 s by each of `turns`, given as pitch and tract."""
    rng = np.random.default_rng(seed)
    sound, sentences = talk_of([(speech(rng.uniform(2.5, 4), *who, rng), 0.4) for who in turns], rng)
    return write_sound(folder / "sound.flac", np.clip(sound, -1, 1)), sentences


def transcript(sentences: Sequence[Sentence]) -> Transcript:
    words = [
        Word(text=text, start_s=s.start_s + i * (s.end_s - s.start_s) / 6, end_s=s.start_s + (i + 1) * (s.end_s - s.start_s) / 6)
        for s in sentences
        for i, text in enumerate(s.text.split())
    ]
    return Transcript(engine="captions", language="en", duration_s=999, words=words, sentences=list(sentences))


@pytest.mark.parametrize("cast", [[MAN], [WOMAN], [MAN, WOMAN], [MAN, WOMAN, CHILD]])
def test_as_many_voices_are_found_as_speak(tmp_path: Path, cast: list[tuple[float, float]]) -> None:
    turns = [cast[i % len(cast)] for i in range(24)]
    assert voices_of(*conversation(tmp_path, turns)) == [cast.index(who) for who in turns]


def test_the_two_voices_of_a_talk_are_told_apart(tmp_path: Path) -> None:
    talk = speak_talk(60, 1)
    half = np.interp(np.arange(0, talk.sound.size, SPOKEN_RATE / RATE), np.arange(talk.sound.size), talk.sound / 32768)
    sentences = [sentence(line.start_s, line.end_s) for line in talk.lines]
    voices = voices_of(write_sound(tmp_path / "sound.flac", half), sentences)
    assert len({(voice, line.line.speaker) for voice, line in zip(voices, talk.lines, strict=True)}) == 2


def test_a_sentence_too_short_to_tell_takes_its_neighbours_voice(tmp_path: Path) -> None:
    sound, sentences = conversation(tmp_path, [MAN, WOMAN] * 6)
    last = sentences[-1]
    short = sentence(last.end_s + 0.05, last.end_s + 0.15, last.last_word)
    assert voices_of(sound, [*sentences, short]) == [0, 1] * 6 + [1]


def test_speakers_are_numbered_as_they_appear_and_words_have_them_too(tmp_path: Path) -> None:
    sound, sentences = conversation(tmp_path, [WOMAN, MAN, MAN] * 5)
    named = name_speakers(transcript(sentences), sound)
    assert [s.speaker for s in named.sentences] == ["S1", "S2", "S2"] * 5
    assert all(word.speaker == s.speaker for s in named.sentences for word in named.words[s.first_word : s.last_word])
    assert [s.text for s in named.sentences] == [s.text for s in sentences]


def test_sentences_stay_whole_where_voices_change(tmp_path: Path) -> None:
    sound, sentences = conversation(tmp_path, [WOMAN, MAN] * 6)
    named = name_speakers(transcript(sentences), sound)
    assert [(s.first_word, s.last_word) for s in sentences_of(named.words)] == [(s.first_word, s.last_word) for s in sentences]


def test_whom_captions_name_keeps_the_name_and_lends_it_to_the_same_voice(tmp_path: Path) -> None:
    sound, sentences = conversation(tmp_path, [WOMAN, MAN] * 6)
    given_names = [sentences[0].model_copy(update={"speaker": "Ada"}), *sentences[1:]]
    named = name_speakers(transcript(given_names), sound)
    assert [s.speaker for s in named.sentences] == ["Ada", "S2"] * 6


def test_a_transcript_with_all_speakers_or_without_words_is_left_as_it_is(tmp_path: Path) -> None:
    absent = tmp_path / "absent.flac"
    said = transcript([sentence(0, 1, 0, "Ada"), sentence(1, 2, 6, "Ben")])
    assert name_speakers(said, absent) is said
    empty = said.model_copy(update={"words": [], "sentences": []})
    assert name_speakers(empty, absent) is empty


def test_silence_is_one_voice(tmp_path: Path) -> None:
    sound = write_sound(tmp_path / "sound.flac", np.zeros(10 * RATE))
    assert voices_of(sound, [sentence(float(i), i + 0.9) for i in range(-2, 14)]) == [0] * 16


def drawn(centres: Sequence[float], counts: Sequence[int], seed: int) -> tuple[Voices, list[int]]:
    """Sentences of voices that lie `centres` apart along one line, each straying by a half in 20 directions."""
    rng = np.random.default_rng(seed)
    means = rng.normal(0, 0.5, (sum(counts), 20))
    truth = [voice for voice, count in enumerate(counts) for _ in range(count)]
    means[:, 0] += [centres[voice] for voice in truth]
    return Voices(means, np.full(len(truth), 2.0), np.full(len(truth), 3.0)), truth


@settings(max_examples=40, deadline=None)
@given(count=st.integers(1, 60), seed=st.integers(0, 10_000))
def test_one_voice_is_never_two(count: int, seed: int) -> None:
    assert len(told_apart(drawn([0], [count], seed)[0])) == 1


@settings(max_examples=20, deadline=None)
@given(counts=st.lists(st.integers(10, 30), min_size=2, max_size=4), seed=st.integers(0, 10_000))
def test_voices_far_apart_are_told_whatever_their_share(counts: list[int], seed: int) -> None:
    voices, truth = drawn([8.0 * i for i in range(len(counts))], counts, seed)
    centres = told_apart(voices)
    assert len(centres) == len(set(zip(nearest(centres, voices.means), truth, strict=True))) == len(counts)


def test_hours_of_sentences_are_told_apart_in_groups() -> None:
    voices, truth = drawn([0, 6], [1200, 800], 5)
    order = np.random.default_rng(1).permutation(2000)
    centres = told_apart(Voices(*(track[order] for track in voices)))
    assert len(centres) == len(set(zip(nearest(centres, voices.means), truth, strict=True))) == 2
