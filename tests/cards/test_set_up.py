"""Keys of Stripe's: which mode takes which, and that no stack of one's own ever charges a real card."""

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from rich.console import Console

from cutroom.errors import CutroomError, SetupError
from cutroom.local.home import Home, Secrets
from cutroom.local.stack import running, with_embedded
from cutroom.money.cards import Cards
from cutroom.settings import Settings

LIVE, TEST = SecretStr("sk_live_x"), SecretStr("sk_test_x")


@pytest.mark.parametrize("name", ["stripe_live_key", "stripe_test_key"])
@pytest.mark.parametrize("key", ["sk_live_x", "rk_live_x"])
async def test_a_live_key_is_refused_by_a_stack_of_ones_own(name: str, key: str, tmp_path: Path) -> None:
    given: dict[str, Any] = {"home": tmp_path / "home", name: SecretStr(key)}
    with pytest.raises(SetupError, match="CUTROOM_STRIPE_LIVE_KEY") as refused:
        async with running(Settings(**given), Console(quiet=True)):
            pass
    assert refused.value.code == "card_key_live"
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("mode", "given", "code"),
    [
        ("live", {"stripe_test_key": TEST}, "cards_not_set_up"),
        ("test", {"stripe_live_key": LIVE}, "cards_not_set_up"),
        ("live", {"stripe_live_key": TEST}, "card_key_of_other_mode"),
        ("test", {"stripe_test_key": LIVE}, "card_key_of_other_mode"),
        ("live", {"stripe_live_key": LIVE, "stripe_url": "http://127.0.0.1:1"}, "card_key_live"),
    ],
)
def test_a_mode_takes_its_own_key_alone(mode: Any, given: dict[str, Any], code: str) -> None:
    with pytest.raises(CutroomError) as refused:
        Cards(Settings(**given), mode)
    assert refused.value.code == code
    assert "sk_live_x" not in refused.value.detail


def test_without_a_key_both_modes_pay_at_the_stand_in(tmp_path: Path) -> None:
    filled = with_embedded(Settings(home=tmp_path), Home.at(tmp_path))
    assert filled.stripe_url == f"http://127.0.0.1:{filled.cards_port}"
    assert (Cards(filled, "live").mode, Cards(filled, "test").mode) == ("live", "test")


def test_with_a_test_key_there_is_no_stand_in(tmp_path: Path) -> None:
    filled = with_embedded(Settings(home=tmp_path, stripe_test_key=TEST), Home.at(tmp_path))
    assert (filled.stripe_url, filled.stripe_live_key.get_secret_value()) == ("", "")


def test_a_home_of_an_older_version_keeps_its_passwords_and_gets_those_that_it_lacks(tmp_path: Path) -> None:
    older = {name: value for name, value in asdict(Secrets()).items() if not name.startswith("card_")}
    (tmp_path / "secrets.json").write_text(json.dumps(older))
    first = Home.at(tmp_path).secrets()
    assert {name: getattr(first, name) for name in older} == older
    assert Home.at(tmp_path).secrets() == first
    assert set(json.loads((tmp_path / "secrets.json").read_text())) == {field.name for field in fields(Secrets)}
