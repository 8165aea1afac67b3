"""Titles are whole thoughts of at most 60 characters, in the words of the passage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutroom.language.quotes import words
from cutroom.language.titles import MOST_CHARS, title

BAKERY = [
    "The best document that we ever wrote at this company is a page and a half about how the two of us would break up.",
    "Everybody on our support line used to be a baker, and that was an accident.",
    "It was the first time.",
]


@pytest.mark.parametrize(
    ("sentences", "expected"),
    [
        # A whole clause before one that has to be broken off.
        (BAKERY, "Everybody on our support line used to be a baker"),
        # A clause that only leads to the next one is no title where there is a whole thought.
        (["When you open a tin of chickpeas on a day like this one, keep the water.", "The water whips like egg white."],
         "The water whips like egg white"),
        # What it points at was said before the clip.
        (["He never told them about that one.", "My father owned the bakery on Main Street."],
         "My father owned the bakery on Main Street"),
        # A question that is cut at a clause stays one.
        (["How do you know when a dry pan is hot enough for flatbread, if you have no thermometer at all?"],
         "How do you know when a dry pan is hot enough for flatbread?"),
        # Nothing is left hanging before an ellipsis.
        (["We measured the current of the whole northern ocean with the one and only float that was left."],
         "We measured the current of the whole northern ocean\u2026"),
        (["Wir haben die B\u00e4ckerei im Winter geschlossen."], "Wir haben die B\u00e4ckerei im Winter geschlossen"),
        (["   "], ""),
        ([], ""),
    ],
)  # fmt: skip
def test_a_title_is_a_whole_thought(sentences: list[str], expected: str) -> None:
    assert title(sentences, [0.5] * len(sentences)) == expected


@given(st.lists(st.text(max_size=150), max_size=4), st.lists(st.floats(-1, 1), min_size=4, max_size=4))
def test_a_title_is_short_and_says_nothing_that_was_not_said(sentences: list[str], strengths: list[float]) -> None:
    made = title(sentences, strengths[: len(sentences)])
    assert len(made) <= MOST_CHARS
    assert made == made.strip()
    assert "\n" not in made
    if not made.endswith("\u2026"):  # an endless word is cut
        assert set(words(made)) <= {word for sentence in sentences for word in words(sentence)}


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("So, um, why do you wait?", "Why do you wait?"),
        (
            "Nobody minds waiting for a thing that is truly worth waiting for.",
            "Nobody minds waiting for a thing that is truly worth…",
        ),
        ("In the year of the long winter, with all lamps out, we met again.", "In the year of the long winter, with all lamps out"),
        ("“No.”", "No"),
        ("x" * 90, "X" + "x" * 58 + "…"),
    ],
)
def test_titles_are_short_whole_words_without_wind_up(sentence: str, expected: str) -> None:
    assert title([sentence], [0.5]) == expected
    assert len(expected) <= MOST_CHARS


def test_the_strongest_of_the_first_sentences_gives_the_title() -> None:
    said = ["A quiet start it was.", "What went so badly wrong?", "The oven stands in the corner of the kitchen."]
    assert title(said, [0.2, 0.9, 0.3]) == "What went so badly wrong?"
