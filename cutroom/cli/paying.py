"""Paying for a job from the command line, with a test card at the stand-in for Stripe of this machine's own stack.

Real cards are typed into Stripe's own form, in the payer's browser or app, and never here.
"""

from enum import StrEnum
from typing import Any

import httpx

from cutroom.client import Payment
from cutroom.errors import CardDeclined, Unreachable
from cutroom.settings import Settings

ANSWER_WITHIN_S = 20.0


class TestCard(StrEnum):
    """What the card does: https://docs.stripe.com/testing"""

    VISA = "visa"
    DECLINED = "declined"
    INSUFFICIENT_FUNDS = "insufficient-funds"
    CHALLENGE = "challenge"


_METHODS = {
    TestCard.VISA: "pm_card_visa",
    TestCard.DECLINED: "pm_card_visa_chargeDeclined",
    TestCard.INSUFFICIENT_FUNDS: "pm_card_visa_chargeDeclinedInsufficientFunds",
    TestCard.CHALLENGE: "pm_card_authenticationRequired",
}


def stand_in_of(settings: Settings) -> str:
    """Where the stand-in of this home's running stack is; empty where another server, or Stripe itself, takes the cards."""
    from cutroom.local.home import Home
    from cutroom.local.stack import read_run

    run = None if settings.api_url else read_run(Home.at(settings.home))
    address = str(run["addresses"].get("cards", "")) if run else ""
    return address if address.startswith("http://") else ""


def confirm(stand_in: str, payment: Payment, card: TestCard) -> str:
    """Confirm an intent by its client secret, as a browser does: https://docs.stripe.com/js/payment_intents/confirm_card_payment

    Answers the address of the bank's page where that wants to know who pays; else it is empty. Raises CardDeclined, Unreachable.
    """
    form = {"payment_method": _METHODS[card], "client_secret": payment.client_secret or ""}
    action = _paid(f"{stand_in}/v1/payment_intents/{payment.intent_id}/confirm", form).get("next_action") or {}
    return str(action.get("redirect_to_url", {}).get("url", ""))


def pay_page(url: str, card: TestCard) -> None:
    """Pay on a page of the stand-in's. Raises CardDeclined, Unreachable."""
    _paid(url, {"payment_method": _METHODS[card]})


def _paid(url: str, form: dict[str, str]) -> dict[str, Any]:
    try:
        answer = httpx.post(url, data=form, timeout=ANSWER_WITHIN_S)
    except httpx.TransportError:
        raise Unreachable("The stand-in for Stripe does not answer; is `cutroom up` running?", code="card_unclear") from None
    body: dict[str, Any] = answer.json()
    if answer.is_success:
        return body
    error = body["error"]
    raise CardDeclined(
        "The bank declined this card; another one may be tried.", decline_code=error.get("decline_code") or error.get("code", "")
    )
