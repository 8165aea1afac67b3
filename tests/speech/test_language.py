"""The language of captions, guessed offline."""

import pytest

from cutroom.contracts.documents import Cue, Cues
from cutroom.speech.language import base_language, guess_language, same_language


def said(text: str) -> Cues:
    return Cues(cues=[Cue(start_s=0, end_s=1, text=text)])


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("There are several ways to look at that, and most of it is ordinary work around the oven in the morning.", "en"),
        ("Das ist eine lange Geschichte, und ich erzähle sie heute zum ersten Mal vor so vielen Leuten.", "de"),
        ("Je ne sais pas encore si nous pourrons venir demain, mais je vous appelle ce soir après le dîner.", "fr"),
        ("No sabemos todavía si mañana podremos venir, pero te llamaré esta noche después de la cena.", "es"),
    ],
)
def test_a_sentence_or_two_tell_the_language(text: str, language: str) -> None:
    assert guess_language(said(text)) == language


@pytest.mark.parametrize("text", ["Hello there.", "OK OK 42", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15"])
def test_too_little_text_gives_no_guess(text: str) -> None:
    assert guess_language(said(text)) == ""


def test_regions_and_close_relatives_count_as_the_same_language() -> None:
    assert same_language("en-US", "en")
    assert same_language("pt_BR", "pt")
    assert same_language("nb", "da")
    assert not same_language("en", "de")
    assert base_language("zh-Hant-TW") == "zh"
