"""Tokens as text."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutroom.errors import Forbidden, Unauthorized
from cutroom.identity.tokens import SCOPES, Mode, new_token, parse, require, token_hash

MODES = st.sampled_from(("live", "test"))
ALPHABET = string.ascii_letters + string.digits


@given(MODES)
def test_a_new_token_names_its_mode_and_is_found_by_its_hash(mode: Mode) -> None:
    token = new_token(mode)
    assert token.text.startswith(f"ctr_{mode}_")
    assert parse(token.text) == token.hash == token_hash(token.text)
    assert token.text.startswith(token.hint)
    assert len(token.hint) == len(f"ctr_{mode}_") + 4


@given(MODES, st.data())
def test_one_wrong_character_anywhere_is_noticed(mode: Mode, data: st.DataObject) -> None:
    text = new_token(mode).text
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(ALPHABET).filter(lambda character: character != text[place]))
    with pytest.raises(Unauthorized):
        parse(text[:place] + other + text[place + 1 :])


@given(st.text())
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(Unauthorized):
        parse(text)


def test_a_token_with_something_around_it_is_refused() -> None:
    text = new_token("live").text
    for wrong in (text + "\n", " " + text, text[:-1], text + "0", text.replace("live", "test")):
        with pytest.raises(Unauthorized):
            parse(wrong)


def test_no_two_tokens_are_the_same() -> None:
    assert len({new_token("live").text for _ in range(1000)}) == 1000


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_opens_only_its_own_door_and_admin_opens_all(scope: str) -> None:
    for needed in SCOPES:
        if scope in (needed, "admin"):
            require([scope], needed)
        else:
            with pytest.raises(Forbidden):
                require([scope], needed)
