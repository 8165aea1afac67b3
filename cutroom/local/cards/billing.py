"""The catalogue, Checkout, subscriptions with their invoices, and the customer portal."""

from datetime import UTC, datetime

from cutroom.local.cards import billing_shapes, payments
from cutroom.local.cards.call import Call
from cutroom.local.cards.forms import Refusal, amount, invalid, required
from cutroom.local.cards.shapes import Body


def create_customer(call: Call) -> Body:
    """https://docs.stripe.com/api/customers/create"""
    return call.keep(billing_shapes.customer(call.head("customer", "cus"), call.params.get("metadata", {})))


def create_price(call: Call) -> Body:
    """https://docs.stripe.com/api/prices/create, with its product"""
    required(call.params, "currency", "unit_amount", "product_data")
    data = call.params["product_data"]
    required(data, "id", "name")
    if call.state.find(call.livemode, "product", data["id"]):
        raise invalid("Product already exists.", stripe_code="resource_already_exists", param="product_data[id]")
    call.keep(billing_shapes.product(call.head("product", "prod") | {"id": data["id"]}, data["name"]))
    price = billing_shapes.price(
        call.head("price", "price"),
        data["id"],
        call.params["currency"],
        amount(call.params, "unit_amount"),
        call.params.get("lookup_key"),
        call.params.get("recurring"),
    )
    return call.keep(price)


def create_session(call: Call) -> Body:
    """https://docs.stripe.com/api/checkout/sessions/create"""
    required(call.params, "mode", "success_url", "line_items", "customer")
    call.get("customer", call.params["customer"])
    (line, *more) = call.params["line_items"]
    if more or int(line.get("quantity", 1)) != 1:
        raise invalid("The stand-in sells one thing at a time.", param="line_items")
    price = call.get("price", line["price"])
    if (call.params["mode"] == "subscription") != (price["type"] == "recurring"):
        raise invalid("The mode does not fit the price.", param="mode")
    head = call.head("checkout.session", "cs")
    call.keep({**head, "id": f"bought_{head['id']}", "object": "stand_in.bought", "price": price["id"], "params": call.params})
    return call.keep(billing_shapes.session(head, call.params, price, f"{call.url}/pay/{head['id']}"))


def expire_session(call: Call, id: str) -> Body:
    """https://docs.stripe.com/api/checkout/sessions/expire"""
    session = call.get("checkout.session", id)
    if session["status"] != "open":
        raise invalid("Only Checkout Sessions with a status of open can be expired.", param="session")
    session = call.keep(session | {"status": "expired", "url": None})
    call.tell("checkout.session.expired", session)
    return session


def pay_session(call: Call, id: str) -> Body | Refusal:
    """What Checkout's page does: https://docs.stripe.com/payments/checkout/how-checkout-works"""
    session = call.get("checkout.session", id)
    if session["status"] != "open":
        raise invalid("This Checkout Session is not open any more.", param="id")
    card = call.params.get("payment_method", "pm_card_visa")
    if card not in payments.CARDS:
        raise invalid("No such PaymentMethod.", stripe_code="resource_missing", param="payment_method")
    bought = call.get("stand_in.bought", f"bought_{id}")
    price, params = call.get("price", bought["price"]), bought["params"]
    data = params.get("subscription_data" if session["mode"] == "subscription" else "payment_intent_data", {})
    if session["mode"] == "payment":
        intent = payments.new_intent(
            call, price["unit_amount"], price["currency"], session["customer"], manual=False, metadata=data.get("metadata", {})
        )
        session = call.keep(session | {"payment_intent": intent["id"]})
        paid = payments.pay(call, intent, card)
        if isinstance(paid, Refusal):
            return paid
    else:
        head = call.head("subscription", "sub")
        metadata = data.get("metadata", {})
        subscription = billing_shapes.subscription(head, session["customer"], price, call.state.new_id("si"), metadata)
        billed = _bill(call, subscription, "subscription_create", card)
        if isinstance(billed, Refusal):
            return billed
        session |= {"subscription": subscription["id"], "invoice": billed["id"]}
    session = call.keep(session | {"status": "complete", "payment_status": "paid", "url": None})
    call.tell("checkout.session.completed", session)
    return session


def renew(call: Call, id: str) -> Body | Refusal:
    """A period ends: https://docs.stripe.com/billing/subscriptions/overview"""
    subscription = call.get("subscription", id)
    if subscription["status"] != "active":
        raise invalid("This subscription has ended.", param="id")
    if subscription["cancel_at_period_end"]:
        return end_subscription(call, id)
    return _bill(call, subscription, "subscription_cycle", "pm_card_visa")


def end_subscription(call: Call, id: str) -> Body:
    """https://docs.stripe.com/api/subscriptions/cancel"""
    subscription = call.get("subscription", id)
    now = call.state.now
    subscription = call.keep(subscription | {"status": "canceled", "canceled_at": now, "ended_at": now})
    call.tell("customer.subscription.deleted", subscription)
    return subscription


def _bill(call: Call, subscription: Body, reason: str, card: str) -> Body | Refusal:
    """Charge the next period of a subscription; answers its invoice."""
    (item,) = subscription["items"]["data"]
    price = item["price"]
    intent = payments.new_intent(call, price["unit_amount"], price["currency"], subscription["customer"], manual=False, metadata={})
    paid = payments.pay(call, intent, card)
    if isinstance(paid, Refusal):
        return paid
    start = item["current_period_end"]
    item |= {"current_period_start": start, "current_period_end": _month_later(start)}
    head = call.head("invoice", "in")
    payment = call.keep(billing_shapes.invoice_payment(call.head("invoice_payment", "inpay"), head["id"], paid))
    invoice = call.keep(billing_shapes.invoice(head, subscription, call.state.new_id("il"), reason, payment))
    call.keep(subscription | {"latest_invoice": invoice["id"]})
    call.tell(f"customer.subscription.{'created' if reason == 'subscription_create' else 'updated'}", subscription)
    call.tell("invoice.paid", invoice)
    return invoice


def create_configuration(call: Call) -> Body:
    """https://docs.stripe.com/api/customer_portal/configurations/create"""
    required(call.params, "features")
    return call.keep(billing_shapes.configuration(call.head("billing_portal.configuration", "bpc"), call.params))


def create_portal(call: Call) -> Body:
    """https://docs.stripe.com/api/customer_portal/sessions/create"""
    required(call.params, "customer", "configuration")
    call.get("customer", call.params["customer"])
    call.get("billing_portal.configuration", call.params["configuration"])
    head = call.head("billing_portal.session", "bps")
    return call.keep(billing_shapes.portal(head, call.params, f"{call.url}/portal/{head['id']}"))


def use_portal(call: Call, id: str) -> Body:
    """What the portal's page does: `cancel` at the period's end, or `change` to another price."""
    portal = call.get("billing_portal.session", id)
    mine = (found for found in call.all("subscription") if found["customer"] == portal["customer"] and found["status"] == "active")
    subscription = next(mine, None)
    if subscription is None:
        raise invalid("There is no subscription to change.")
    if call.params.get("action") == "cancel":
        subscription |= {"cancel_at_period_end": True}
    else:
        (item,) = subscription["items"]["data"]
        price = call.get("price", call.params.get("price", ""))
        item |= {
            "price": price,
            "plan": item["plan"] | {"id": price["id"], "amount": price["unit_amount"], "product": price["product"]},
        }
    call.keep(subscription)
    call.tell("customer.subscription.updated", subscription)
    return subscription


def _month_later(seconds: int) -> int:
    """The same day of the next month, the 28th at the latest: simpler than Stripe's, which keeps the 31st in mind."""
    day = datetime.fromtimestamp(seconds, UTC)
    year, month = divmod(day.year * 12 + day.month, 12)
    return int(day.replace(year=year, month=month + 1, day=min(day.day, 28)).timestamp())
