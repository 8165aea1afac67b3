"""PaymentIntents, charges, refunds and disputes: https://docs.stripe.com/payments/paymentintents/lifecycle

What a test card does is said at https://docs.stripe.com/testing.
"""

from cutroom.local.cards import shapes
from cutroom.local.cards.call import Call
from cutroom.local.cards.forms import Refusal, amount, invalid, required
from cutroom.local.cards.shapes import Body

# The least that Stripe charges: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
MINIMUM = {"usd": 50, "eur": 50, "gbp": 30}
GOOD = {"pm_card_visa", "pm_card_mastercard", "pm_card_amex"}
DISPUTED = "pm_card_createDispute"
# What a refund of these cards is first, and later: https://docs.stripe.com/testing#refunds
REFUNDS = {"pm_card_pendingRefund": ("pending", "succeeded"), "pm_card_refundFail": ("succeeded", "failed")}
CHALLENGED = {"pm_card_authenticationRequired", "pm_card_threeDSecure2Required", "pm_card_threeDSecureRequired"}
# https://docs.stripe.com/declines/codes
DECLINED = {
    "pm_card_visa_chargeDeclined": ("card_declined", "generic_decline"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds"),
    "pm_card_visa_chargeDeclinedLostCard": ("card_declined", "lost_card"),
    "pm_card_visa_chargeDeclinedStolenCard": ("card_declined", "stolen_card"),
    "pm_card_chargeDeclinedExpiredCard": ("expired_card", "expired_card"),
    "pm_card_chargeDeclinedIncorrectCvc": ("incorrect_cvc", "incorrect_cvc"),
    "pm_card_chargeDeclinedProcessingError": ("processing_error", "processing_error"),
}
CARDS = sorted({*GOOD, DISPUTED, *REFUNDS, *CHALLENGED, *DECLINED})
_PAYABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
_CANCEL_REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")


def create(call: Call) -> Body:
    """https://docs.stripe.com/api/payment_intents/create"""
    required(call.params, "amount", "currency")
    asked, currency = amount(call.params, "amount"), str(call.params["currency"]).lower()
    customer = call.params.get("customer")
    if currency not in MINIMUM:
        raise invalid(f"Invalid currency: {currency}.", param="currency")
    if asked < MINIMUM[currency]:
        raise invalid("Amount must convert to at least 50 cents.", stripe_code="amount_too_small", param="amount")
    if customer:
        call.get("customer", customer)
    manual = call.params.get("capture_method") == "manual"
    return new_intent(call, asked, currency, customer, manual=manual, metadata=call.params.get("metadata", {}))


def new_intent(call: Call, asked: int, currency: str, customer: str | None, *, manual: bool, metadata: Body) -> Body:
    head = call.head("payment_intent", "pi")
    intent = call.keep(shapes.intent(head, call.state.new_id("s")[2:], asked, currency, customer, manual, metadata))
    call.tell("payment_intent.created", intent)
    return intent


def confirm(call: Call, id: str) -> Body | Refusal:
    """https://docs.stripe.com/api/payment_intents/confirm; a decline is kept, and answered as one."""
    intent = call.get("payment_intent", id)
    if intent["status"] not in _PAYABLE:
        raise unexpected(intent, "confirm")
    card = call.params.get("payment_method") or intent["payment_method"]
    if card not in CARDS:
        raise invalid("No such PaymentMethod.", stripe_code="resource_missing", param="payment_method")
    if card in CHALLENGED:
        action = {"type": "redirect_to_url", "redirect_to_url": {"return_url": None, "url": f"{call.url}/authenticate/{id}"}}
        intent = call.keep(intent | {"status": "requires_action", "next_action": action, "payment_method": card})
        call.tell("payment_intent.requires_action", intent)
        return call.expanded(intent)
    return pay(call, intent, card)


def authenticate(call: Call, id: str) -> Body | Refusal:
    """What the page of the bank does: https://docs.stripe.com/payments/3d-secure/authentication-flow"""
    intent = call.get("payment_intent", id)
    if intent["status"] != "requires_action":
        raise unexpected(intent, "authenticate")
    if call.params.get("outcome") == "fail":
        return _declined(call, intent, intent["payment_method"], "payment_intent_authentication_failure", "")
    return pay(call, intent, intent["payment_method"])


def pay(call: Call, intent: Body, card: str) -> Body | Refusal:
    """Authorise a card for an intent, and charge it where the intent is not captured later."""
    if card in DECLINED:
        return _declined(call, intent, card, *DECLINED[card])
    manual = intent["capture_method"] == "manual"
    charge = call.keep(shapes.charge(call.head("charge", "ch"), intent, card, failure=None, manual=manual))
    changed = {"latest_charge": charge["id"], "payment_method": card, "next_action": None, "last_payment_error": None}
    if manual:
        changed |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
    else:
        changed |= {"status": "succeeded", "amount_received": intent["amount"]}
    intent = call.keep(intent | changed)
    call.tell("charge.succeeded", charge)
    call.tell("payment_intent.amount_capturable_updated" if manual else "payment_intent.succeeded", intent)
    if not manual:
        _dispute_where_meant(call, charge)
    return call.expanded(intent)


def _declined(call: Call, intent: Body, card: str, code: str, decline_code: str) -> Refusal:
    failure: Body = {"code": code, "message": "The card was declined.", "type": "card_error"}
    failure |= {"decline_code": decline_code} if decline_code else {}
    charge = call.keep(shapes.charge(call.head("charge", "ch"), intent, card, failure=failure, manual=True))
    failure |= {"charge": charge["id"]}
    changed = {"status": "requires_payment_method", "payment_method": None, "next_action": None}
    intent = call.keep(intent | changed | {"last_payment_error": failure, "latest_charge": charge["id"]})
    call.tell("charge.failed", charge)
    call.tell("payment_intent.payment_failed", intent)
    return Refusal(402, "card_error", "The card was declined.", stripe_code=code, more=failure | {"payment_intent": intent})


def capture(call: Call, id: str) -> Body:
    """https://docs.stripe.com/api/payment_intents/capture; what is not captured goes back to the card, as a refund."""
    intent = call.get("payment_intent", id)
    if intent["status"] != "requires_capture":
        raise unexpected(intent, "capture")
    taken = amount(call.params, "amount_to_capture", intent["amount_capturable"])
    if taken > intent["amount_capturable"]:
        raise invalid("The amount is greater than what was authorised.", stripe_code="amount_too_large", param="amount_to_capture")
    charge = call.get("charge", intent["latest_charge"])
    charge = call.keep(charge | {"captured": True, "amount_captured": taken})
    if left := charge["amount"] - taken:
        call.keep(shapes.refund(call.head("refund", "re"), charge, left, "succeeded"))
        charge = call.keep(charge | {"amount_refunded": left})
    intent = call.keep(intent | {"status": "succeeded", "amount_capturable": 0, "amount_received": taken})
    call.tell("charge.captured", charge)
    call.tell("payment_intent.succeeded", intent)
    _dispute_where_meant(call, charge)
    return call.expanded(intent)


def cancel(call: Call, id: str) -> Body:
    """https://docs.stripe.com/api/payment_intents/cancel"""
    intent = call.get("payment_intent", id)
    if intent["status"] not in (*_PAYABLE, "requires_capture"):
        raise unexpected(intent, "cancel")
    reason = call.params.get("cancellation_reason")
    if reason is not None and reason not in _CANCEL_REASONS:
        raise invalid(f"Invalid cancellation_reason: must be one of {', '.join(_CANCEL_REASONS)}.", param="cancellation_reason")
    return _ended(call, intent, reason)


def lapse(call: Call, id: str) -> Body:
    """An authorisation ends: https://docs.stripe.com/payments/place-a-hold-on-a-payment-method"""
    intent = call.get("payment_intent", id)
    if intent["status"] != "requires_capture":
        raise unexpected(intent, "lapse")
    return _ended(call, intent, "automatic")


def lapse_due(call: Call) -> None:
    """End every authorisation whose time has come."""
    for intent in call.all("payment_intent"):
        if intent["status"] == "requires_capture":
            charge = call.get("charge", intent["latest_charge"])
            if charge["payment_method_details"]["card"]["capture_before"] <= call.state.now:
                _ended(call, intent, "automatic")


def _ended(call: Call, intent: Body, reason: str | None) -> Body:
    changed = {"status": "canceled", "amount_capturable": 0, "cancellation_reason": reason, "canceled_at": call.state.now}
    intent = call.keep(intent | changed | {"next_action": None})
    call.tell("payment_intent.canceled", intent)
    return call.expanded(intent)


def refund(call: Call) -> Body:
    """https://docs.stripe.com/api/refunds/create"""
    intent = call.get("payment_intent", call.params.get("payment_intent", ""))
    if intent["status"] != "succeeded":
        raise invalid(
            "This PaymentIntent does not have a successful charge to refund.",
            stripe_code="charge_not_captured",
            param="payment_intent",
        )
    charge = call.get("charge", intent["latest_charge"])
    left = charge["amount"] - charge["amount_refunded"]
    if not left:
        raise invalid("Charge has already been refunded.", stripe_code="charge_already_refunded")
    if charge["disputed"] and any(found["status"] != "won" for found in _disputes(call, charge["id"])):
        raise invalid("This charge has been charged back; a refund is not possible.", stripe_code="charge_disputed")
    given = amount(call.params, "amount", left)
    if given > left:
        raise invalid("Refund amount is greater than unrefunded amount on charge.", param="amount")
    status, _ = REFUNDS.get(charge["payment_method"], ("succeeded", ""))
    made = call.keep(shapes.refund(call.head("refund", "re"), charge, given, status))
    back = charge["amount_refunded"] + given
    charge = call.keep(charge | {"amount_refunded": back, "refunded": back == charge["amount"]})
    call.tell("refund.created", made)
    call.tell("charge.refunded", charge)
    return made


def settle_refund(call: Call, id: str) -> Body:
    """Time passes, and a refund becomes what its card's becomes in the end: https://docs.stripe.com/testing#refunds

    One that failed leaves the money with us, and its charge as it was: https://docs.stripe.com/refunds#failed-refunds
    """
    refund = call.get("refund", id)
    charge = call.get("charge", refund["charge"])
    first, later = REFUNDS.get(charge["payment_method"], ("", ""))
    if refund["status"] != first:
        raise invalid("This refund stays as it is.", param="id")
    refund = call.keep(refund | {"status": later} | ({"failure_reason": "unknown"} if later == "failed" else {}))
    if later == "failed":
        back = charge["amount_refunded"] - refund["amount"]
        call.keep(charge | {"amount_refunded": back, "refunded": False})
        call.tell("refund.failed", refund)
    call.tell("refund.updated", refund)
    call.tell("charge.refund.updated", refund)
    return refund


def answer_dispute(call: Call, id: str) -> Body:
    """Evidence decides a test dispute at once: https://docs.stripe.com/testing#evidence"""
    text = (call.params.get("evidence") or {}).get("uncategorized_text", "")
    if text not in ("winning_evidence", "losing_evidence"):
        raise invalid("Test disputes are decided by winning_evidence or losing_evidence.", param="evidence")
    dispute = call.get("dispute", id)
    if dispute["status"] != "needs_response":
        raise invalid("This dispute is already closed.", param="id")
    won = text == "winning_evidence"
    dispute = call.keep(dispute | {"status": "won" if won else "lost"})
    call.tell("charge.dispute.closed", dispute)
    if won:
        call.tell("charge.dispute.funds_reinstated", dispute)
    return dispute


def _disputes(call: Call, charge_id: str) -> list[Body]:
    return [found for found in call.all("dispute") if found["charge"] == charge_id]


def _dispute_where_meant(call: Call, charge: Body) -> None:
    if charge["payment_method"] == DISPUTED:
        call.keep(charge | {"disputed": True})
        dispute = call.keep(shapes.dispute(call.head("dispute", "dp"), charge))
        call.tell("charge.dispute.created", dispute)
        call.tell("charge.dispute.funds_withdrawn", dispute)


def unexpected(intent: Body, what: str) -> Refusal:
    """https://docs.stripe.com/error-codes#payment-intent-unexpected-state"""
    message = f"You cannot {what} this PaymentIntent because it has a status of {intent['status']}."
    return invalid(message, stripe_code="payment_intent_unexpected_state", more={"payment_intent": intent})
