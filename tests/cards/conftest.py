"""The stand-in in its own process, `Cards` against it, and an SDK client that pays as a browser would."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import stripe
from pydantic import SecretStr

from cutroom.local.cards.server import CardServer
from cutroom.local.ports import free_port
from cutroom.money.cards import Cards
from cutroom.settings import Settings
from tests.conftest import serving

HOOK_SECRET = "whsec_tests"


@pytest.fixture(scope="session")
def card_server(servers_folder: Path) -> Iterator[CardServer]:
    """Its events go to a port where the tests that care put a receiver."""
    server = CardServer(servers_folder / "cards", free_port(), free_port(), "sk_stand_in_live", "sk_stand_in_test", HOOK_SECRET)
    with serving(server, {**os.environ, **server.environment()}, servers_folder / "cards.log"):
        yield server


def card_settings(server: CardServer) -> dict[str, object]:
    """What `Settings` say of a stand-in."""
    return {
        "stripe_url": server.url,
        "stripe_live_key": SecretStr(server.live_key),
        "stripe_test_key": SecretStr(server.test_key),
        "stripe_webhook_secrets": SecretStr(server.hook_secret),
    }


@pytest.fixture
def cards(card_server: CardServer) -> Cards:
    return Cards(Settings(**card_settings(card_server)), "test")


@pytest.fixture
def sdk(card_server: CardServer) -> stripe.StripeClient:
    """The SDK as its documentation uses it, in test mode."""
    return stripe.StripeClient(card_server.test_key, base_addresses={"api": card_server.url}, max_network_retries=0)
