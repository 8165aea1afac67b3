"""The catalogue, Checkout, subscriptions, invoices and the portal, in the same way as `shapes`."""

from typing import Any

from cutroom.local.cards.shapes import Body, listed


def customer(head: Body, metadata: Body) -> Body:
    """https://docs.stripe.com/api/customers/object"""
    return head | {"balance": 0, "delinquent": False, "email": None, "metadata": metadata, "name": None}


def product(head: Body, name: str) -> Body:
    """https://docs.stripe.com/api/products/object"""
    return head | {
        "active": True,
        "images": [],
        "marketing_features": [],
        "metadata": {},
        "name": name,
        "type": "service",
        "updated": head["created"],
    }


def price(head: Body, product: str, currency: str, amount: int, lookup_key: str | None, recurring: Body | None) -> Body:
    """https://docs.stripe.com/api/prices/object"""
    return head | {
        "active": True,
        "billing_scheme": "per_unit",
        "currency": currency,
        "lookup_key": lookup_key,
        "metadata": {},
        "product": product,
        "recurring": recurring and {"interval": recurring["interval"], "interval_count": 1, "usage_type": "licensed"},
        "type": "recurring" if recurring else "one_time",
        "unit_amount": amount,
    }


def session(head: Body, params: Body, price: Body, url: str) -> Body:
    """https://docs.stripe.com/api/checkout/sessions/object"""
    return head | {
        "amount_subtotal": price["unit_amount"],
        "amount_total": price["unit_amount"],
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "currency": price["currency"],
        "custom_fields": [],
        "custom_text": {"after_submit": None, "shipping_address": None, "submit": None, "terms_of_service_acceptance": None},
        "customer": params.get("customer"),
        "expires_at": head["created"] + 24 * 3600,
        "invoice": None,
        "metadata": params.get("metadata", {}),
        "mode": params["mode"],
        "payment_intent": None,
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "shipping_options": [],
        "status": "open",
        "subscription": None,
        "success_url": params["success_url"],
        "url": url,
    }


def subscription(head: Body, customer: str, price: Body, item_id: str, metadata: Body) -> Body:
    """https://docs.stripe.com/api/subscriptions/object"""
    plan = {
        "id": price["id"],
        "object": "plan",
        "active": True,
        "amount": price["unit_amount"],
        "billing_scheme": "per_unit",
        "created": price["created"],
        "currency": price["currency"],
        "interval": "month",
        "interval_count": 1,
        "livemode": head["livemode"],
        "metadata": {},
        "product": price["product"],
        "usage_type": "licensed",
    }
    item = {
        "id": item_id,
        "object": "subscription_item",
        "created": head["created"],
        "current_period_end": head["created"],
        "current_period_start": head["created"],
        "discounts": [],
        "metadata": {},
        "plan": plan,
        "price": price,
        "quantity": 1,
        "subscription": head["id"],
    }
    return head | {
        "automatic_tax": {"enabled": False, "disabled_reason": None, "liability": None},
        "billing_cycle_anchor": head["created"],
        "billing_mode": {"type": "flexible", "flexible": {}},
        "billing_schedules": [],
        "cancel_at_period_end": False,
        "canceled_at": None,
        "collection_method": "charge_automatically",
        "currency": price["currency"],
        "customer": customer,
        "discounts": [],
        "ended_at": None,
        "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
        "items": listed("/v1/subscription_items", [item]),
        "latest_invoice": None,
        "metadata": metadata,
        "start_date": head["created"],
        "status": "active",
    }


def invoice(head: Body, subscription: Body, line_id: str, reason: str, payment: Body) -> Body:
    """https://docs.stripe.com/api/invoices/object"""
    (item,) = subscription["items"]["data"]
    amount = item["price"]["unit_amount"]
    start, end = item["current_period_start"], item["current_period_end"]
    line = {
        "id": line_id,
        "object": "line_item",
        "amount": amount,
        "currency": subscription["currency"],
        "discountable": True,
        "discounts": [],
        "invoice": head["id"],
        "livemode": head["livemode"],
        "metadata": {},
        "period": {"start": start, "end": end},
        "pricing": {
            "type": "price_details",
            "price_details": {"price": item["price"]["id"], "product": item["price"]["product"]},
        },
        "quantity": 1,
        "subtotal": amount,
    }
    parent = {"subscription": subscription["id"], "metadata": subscription["metadata"]}
    return head | {
        "amount_due": amount,
        "amount_overpaid": 0,
        "amount_paid": amount,
        "amount_remaining": 0,
        "amount_shipping": 0,
        "attempt_count": 1,
        "attempted": True,
        "automatic_tax": {"enabled": False, "disabled_reason": None, "liability": None, "provider": None, "status": None},
        "billing_reason": reason,
        "collection_method": "charge_automatically",
        "currency": subscription["currency"],
        "customer": subscription["customer"],
        "default_tax_rates": [],
        "discounts": [],
        "issuer": {"type": "self"},
        "lines": listed(f"/v1/invoices/{head['id']}/lines", [line]),
        "metadata": {},
        "parent": {"type": "subscription_details", "subscription_details": parent},
        "payment_settings": {"default_mandate": None, "payment_method_options": None, "payment_method_types": None},
        "payments": listed("/v1/invoice_payments", [payment]),
        "period_end": head["created"],
        "period_start": head["created"],
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "starting_balance": 0,
        "status": "paid",
        "status_transitions": {"finalized_at": head["created"], "paid_at": head["created"]},
        "subtotal": amount,
        "total": amount,
    }


def invoice_payment(head: Body, invoice_id: str, intent: Body) -> Body:
    """https://docs.stripe.com/api/invoice-payment/object"""
    return head | {
        "amount_paid": intent["amount"],
        "amount_requested": intent["amount"],
        "currency": intent["currency"],
        "invoice": invoice_id,
        "is_default": True,
        "payment": {"type": "payment_intent", "payment_intent": intent["id"]},
        "status": "paid",
        "status_transitions": {"canceled_at": None, "paid_at": head["created"]},
    }


def portal(head: Body, params: Body, url: str) -> Body:
    """https://docs.stripe.com/api/customer_portal/sessions/object"""
    return head | {
        "configuration": params["configuration"],
        "customer": params["customer"],
        "return_url": params.get("return_url"),
        "url": url,
    }


def configuration(head: Body, params: Body) -> Body:
    """https://docs.stripe.com/api/customer_portal/configurations/object"""
    given = params.get("features", {})
    asked = {name: {key: _flag(value) for key, value in feature.items()} for name, feature in given.items()}
    off: Body = {"enabled": False}
    features = {
        "customer_update": off | {"allowed_updates": []},
        "invoice_history": off,
        "payment_method_update": off,
        "subscription_cancel": off
        | {"mode": "at_period_end", "proration_behavior": "none", "cancellation_reason": off | {"options": []}},
        "subscription_pause": off | {"duration": {"interval_options": [], "type": "indefinite"}},
        "subscription_update": off
        | {
            "billing_cycle_anchor": None,
            "default_allowed_updates": [],
            "proration_behavior": "none",
            "schedule_at_period_end": {"conditions": []},
            "trial_update_behavior": "end_trial",
        },
    }
    return head | {
        "active": True,
        "business_profile": {"headline": None, "privacy_policy_url": None, "terms_of_service_url": None},
        "default_return_url": None,
        "features": {name: feature | asked.get(name, {}) for name, feature in features.items()},
        "is_default": False,
        "login_page": {"enabled": False, "url": None},
        "metadata": params.get("metadata", {}),
        "updated": head["created"],
    }


def _flag(value: Any) -> Any:
    return value == "true" if value in ("true", "false") else value
