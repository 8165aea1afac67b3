"""`Cards` against the stand-in, and an SDK client that pays as a browser would."""

import pytest
import stripe

from cutroom.local.cards.server import CardServer
from cutroom.money.cards import Cards
from cutroom.settings import Settings
from tests.conftest import card_settings


@pytest.fixture
def cards(card_server: CardServer) -> Cards:
    return Cards(Settings(**card_settings(card_server)), "test")


@pytest.fixture
def sdk(card_server: CardServer) -> stripe.StripeClient:
    """The SDK as its documentation uses it, in test mode."""
    return stripe.StripeClient(card_server.test_key, base_addresses={"api": card_server.url}, max_network_retries=0)
