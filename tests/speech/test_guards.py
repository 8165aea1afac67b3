"""What recognisers make up is left out, and nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from cutroom.contracts.documents import Word
from cutroom.contracts.media import Span
from cutroom.speech.guards import HURRIED, LOOP, SILENT, guarded

ALL = [Span(start_s=0, end_s=1000)]


def said(text: str, every_s: float = 0.4, start_s: float = 0.0) -> list[Word]:
    return [
        Word(text=word, start_s=start_s + i * every_s, end_s=start_s + (i + 0.9) * every_s) for i, word in enumerate(text.split())
    ]


def test_a_phrase_over_and_over_is_kept_once() -> None:
    words, warnings = guarded(said("We went home. " + "Thank you so much. " * 9 + "Good night."), ALL)
    assert " ".join(word.text for word in words) == "We went home. Thank you so much. Good night."
    assert warnings == [LOOP]


def test_people_may_say_a_word_four_times() -> None:
    assert guarded(said("No no no no, not that one."), ALL)[1] == []


def test_text_where_nobody_speaks_is_left_out() -> None:
    words, warnings = guarded([*said("Hello there."), *said("Subtitles by nobody.", start_s=60)], [Span(start_s=0, end_s=2)])
    assert [word.text for word in words] == ["Hello", "there."]
    assert warnings == [SILENT]


def test_more_words_than_anybody_can_say_are_left_out() -> None:
    many = " ".join(f"word{number}" for number in range(30))
    words, warnings = guarded([*said("Slowly now."), *said(many, every_s=0.05, start_s=5)], ALL)
    assert [word.text for word in words] == ["Slowly", "now."]
    assert warnings == [HURRIED]


@given(st.lists(st.integers(0, 10_000).map(lambda n: f"w{n}"), max_size=80, unique=True))
def test_speech_at_an_ordinary_pace_is_left_as_it_is(texts: list[str]) -> None:
    words = said(" ".join(texts), every_s=0.2)
    assert guarded(words, ALL) == (words, [])
