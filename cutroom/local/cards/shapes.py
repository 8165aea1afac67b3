"""Payments and events as Stripe's reference describes them, with every field that the SDK's types call required."""

from typing import Any

Body = dict[str, Any]

_AUTHORISED_FOR_S = 7 * 24 * 3600  # https://docs.stripe.com/payments/place-a-hold-on-a-payment-method


def base(kind: str, id: str, livemode: bool, now: int) -> Body:
    return {"id": id, "object": kind, "created": now, "livemode": livemode}


def listed(url: str, items: list[Body], has_more: bool = False) -> Body:
    """https://docs.stripe.com/api/pagination"""
    return {"object": "list", "url": url, "has_more": has_more, "data": items}


def intent(head: Body, secret: str, amount: int, currency: str, customer: str | None, manual: bool, metadata: Body) -> Body:
    """https://docs.stripe.com/api/payment_intents/object"""
    return head | {
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": 0,
        "allowed_payment_method_types": ["card"],
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "manual" if manual else "automatic_async",
        "client_secret": f"{head['id']}_secret_{secret}",
        "confirmation_method": "automatic",
        "currency": currency,
        "customer": customer,
        "last_payment_error": None,
        "latest_charge": None,
        "metadata": metadata,
        "next_action": None,
        "payment_method": None,
        "payment_method_types": ["card"],
        "status": "requires_payment_method",
    }


def charge(head: Body, intent: Body, card: str, *, failure: Body | None, manual: bool) -> Body:
    """https://docs.stripe.com/api/charges/object"""
    paid = failure is None
    details = {
        "brand": "visa",
        "last4": "4242",
        "country": "US",
        "exp_month": 12,
        "exp_year": 2099,
        "funding": "credit",
        "capture_before": head["created"] + _AUTHORISED_FOR_S if manual and paid else None,
    }
    return head | {
        "amount": intent["amount"],
        "amount_captured": 0 if manual or not paid else intent["amount"],
        "amount_refunded": 0,
        "billing_details": {"address": None, "email": None, "name": None, "phone": None, "tax_id": None},
        "captured": paid and not manual,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "disputed": False,
        "failure_code": failure["code"] if failure else None,
        "metadata": intent["metadata"],
        "paid": paid,
        "payment_intent": intent["id"],
        "payment_method": card,
        "payment_method_details": {"type": "card", "card": {name: value for name, value in details.items() if value is not None}},
        "refunded": False,
        "status": "succeeded" if paid else "failed",
    }


def refund(head: Body, charge: Body, amount: int, status: str) -> Body:
    """https://docs.stripe.com/api/refunds/object"""
    return {name: value for name, value in head.items() if name != "livemode"} | {
        "amount": amount,
        "charge": charge["id"],
        "currency": charge["currency"],
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": None,
        "status": status,
    }


def dispute(head: Body, charge: Body) -> Body:
    """https://docs.stripe.com/api/disputes/object"""
    evidence = {
        "due_by": head["created"] + 7 * 24 * 3600,
        "has_evidence": False,
        "past_due": False,
        "submission_count": 0,
        "submission_method": "not_submitted",
    }
    return head | {
        "amount": charge["amount_captured"],
        "balance_transactions": [],
        "charge": charge["id"],
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {"enhanced_evidence": {}},
        "evidence_details": evidence | {"enhanced_eligibility": {}},
        "is_charge_refundable": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": "fraudulent",
        "status": "needs_response",
    }


def event(head: Body, kind: str, api_version: str, subject: Body, key: str | None) -> Body:
    """https://docs.stripe.com/api/events/object"""
    return head | {
        "account": None,
        "api_version": api_version,
        "data": {"object": subject},
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": key},
        "type": kind,
    }
