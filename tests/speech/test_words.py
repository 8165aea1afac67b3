"""Words of a text, and where its sentences end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutroom.contracts.documents import Word
from cutroom.speech.words import ends_sentence, sentences_of, spoken_form, written_words


def spaced(text: str, pauses: dict[int, float] | None = None, speakers: str = "") -> list[Word]:
    """Words of 0.2 s, 0.1 s apart; `pauses[i]`: how much longer before word i."""
    words, now = [], 0.0
    for i, token in enumerate(text.split()):
        now += 0.1 + (pauses or {}).get(i, 0.0)
        speaker = speakers[i] if speakers else None
        words.append(Word(text=token, start_s=round(now, 3), end_s=round(now + 0.2, 3), speaker=speaker))
        now += 0.2
    return words


def sentences(text: str, pauses: dict[int, float] | None = None, speakers: str = "") -> list[str]:
    return [sentence.text for sentence in sentences_of(spaced(text, pauses, speakers))]


def test_punctuation_stays_with_the_word_it_touches() -> None:
    assert written_words("Well - yes , I think ... so !") == ["Well -", "yes,", "I", "think...", "so!"]


def test_punctuation_alone_is_no_word() -> None:
    assert written_words("... - ?!") == []


@pytest.mark.parametrize(
    ("written", "spoken"), [("“Don’t!”", "don't"), ("(oven),", "oven"), ("$45.", "$45"), ("3.5%,", "3.5%"), ("U.S.", "u.s")]
)
def test_the_spoken_form_has_no_outer_punctuation(written: str, spoken: str) -> None:
    assert spoken_form(written) == spoken


@pytest.mark.parametrize(
    ("word", "following", "ends"),
    [
        ("done.", "Then", True),
        ("done?”", "Then", True),
        ("done", "then", False),
        ("done,", "Then", False),
        ("Dr.", "Smith", False),
        ("e.g.", "bread", False),
        ("J.", "Smith", False),
        ("3.5", "percent", False),
        ("No.", "That", True),
        ("No.", "5", False),
        ("well...", "maybe", False),
        ("well...", "Maybe", True),
        ("p.m.", "and", False),
        ("p.m.", "Then", True),
        ("etc.", "and", False),
        ("I.", "Then", True),
        ("wait!", "", True),
    ],
)
def test_a_full_stop_ends_a_sentence_unless_it_abbreviates(word: str, following: str, ends: bool) -> None:
    assert ends_sentence(word, following) is ends


def test_a_pause_inside_a_punctuated_sentence_does_not_end_it() -> None:
    assert sentences("Ask not what you want. Ask more.", {2: 1.0}) == ["Ask not what you want.", "Ask more."]


def test_a_long_silence_ends_a_sentence() -> None:
    assert sentences("and that was Now this begins.", {3: 3.0}) == ["and that was", "Now this begins."]


def test_another_speaker_begins_another_sentence() -> None:
    assert sentences("so then what happened nothing.", speakers="AABBB") == ["so then", "what happened nothing."]


def test_without_punctuation_pauses_end_sentences() -> None:
    words = " ".join(f"w{i}" for i in range(60))
    found = sentences(words, {20: 0.6, 45: 0.7})
    assert [len(sentence.split()) for sentence in found] == [20, 25, 15]


def test_without_punctuation_and_pauses_no_sentence_is_endless() -> None:
    found = sentences(" ".join(f"w{i}" for i in range(300)))
    assert max(len(sentence.split()) for sentence in found) <= 40


@given(
    st.lists(st.sampled_from(["so", "Yes.", "Dr.", "well...", "3.5", "why?", "And", "“no”"]), max_size=120),
    st.dictionaries(st.integers(0, 119), st.floats(0, 5), max_size=20),
)
def test_sentences_cover_every_word_once_and_in_order(tokens: list[str], pauses: dict[int, float]) -> None:
    words = spaced(" ".join(tokens), pauses)
    found = sentences_of(words)
    covered = [i for sentence in found for i in range(sentence.first_word, sentence.last_word)]
    assert covered == list(range(len(words)))
    for sentence in found:
        assert sentence.text == " ".join(word.text for word in words[sentence.first_word : sentence.last_word])
        assert (sentence.start_s, sentence.end_s) == (words[sentence.first_word].start_s, words[sentence.last_word - 1].end_s)


def test_a_name_on_the_first_words_of_a_turn_alone_splits_no_sentence() -> None:
    one, two, three, four = spaced("We went home. Fine.")
    named = [one.model_copy(update={"speaker": "Ada"}), two, three, four.model_copy(update={"speaker": "Bob"})]
    assert [(said.text, said.speaker) for said in sentences_of(named)] == [("We went home.", "Ada"), ("Fine.", "Bob")]
