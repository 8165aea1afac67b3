"""How words sound that no dictionary knows."""

import pytest

from cutroom.speech.pronounce import pronunciations, speaks


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("kubernetes", "K UW B ER N EH D IY Z"),
        ("42", "F AO R D IY T UW"),
        ("$20", "T W EH N T IY D AA L ER Z"),
        ("nasa", "N AE S AH"),
    ],
)
def test_names_and_numbers_are_spelled_in_sounds(word: str, phones: str) -> None:
    assert pronunciations(word, "en")[0] == phones


def test_a_year_may_be_said_in_halves_or_as_a_number() -> None:
    halves, number = pronunciations("1998", "en")
    assert halves.startswith("N AY N T IY N N AY N T IY")
    assert "HH AH N D R IH D" in number


def test_other_languages_sound_by_their_own_rules() -> None:
    assert pronunciations("jacht", "nl") != pronunciations("jacht", "en")
    assert pronunciations("schön", "de") == ("SH ER N",)


def test_what_cannot_be_said_has_no_pronunciation() -> None:
    assert pronunciations("", "en") == ()
    assert pronunciations("—", "en") == ()


def test_a_language_without_a_voice_has_no_pronunciations_and_codes_find_their_voice() -> None:
    assert pronunciations("oven", "tlh") == ()
    assert pronunciations("oven", "") == pronunciations("oven", "en")
    assert speaks("no")
    assert speaks("zh")
