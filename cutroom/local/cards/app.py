"""The stand-in as an ASGI application: who may ask, idempotency, which path does what, and the pages that people pay on."""

import hashlib
import html
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from cutroom.local.cards import billing, payments
from cutroom.local.cards.call import Call
from cutroom.local.cards.forms import Refusal, invalid, nested
from cutroom.local.cards.sending import lapse_forever, send_forever
from cutroom.local.cards.shapes import Body
from cutroom.local.cards.state import State

Handler = Callable[..., Body | Refusal]

# Path of a collection -> kind of object; each can be listed and read.
COLLECTIONS = {
    "billing_portal/configurations": "billing_portal.configuration",
    "charges": "charge",
    "checkout/sessions": "checkout.session",
    "customers": "customer",
    "disputes": "dispute",
    "events": "event",
    "invoice_payments": "invoice_payment",
    "invoices": "invoice",
    "payment_intents": "payment_intent",
    "prices": "price",
    "products": "product",
    "refunds": "refund",
    "subscriptions": "subscription",
}
# Method and path -> what it does. `/stand-in/...` is not Stripe's: it lets time pass.
ACTIONS: dict[tuple[str, str], Handler] = {
    ("POST", "/v1/customers"): billing.create_customer,
    ("POST", "/v1/prices"): billing.create_price,
    ("POST", "/v1/checkout/sessions"): billing.create_session,
    ("POST", "/v1/checkout/sessions/{id}/expire"): billing.expire_session,
    ("POST", "/v1/billing_portal/configurations"): billing.create_configuration,
    ("POST", "/v1/billing_portal/sessions"): billing.create_portal,
    ("DELETE", "/v1/subscriptions/{id}"): billing.end_subscription,
    ("POST", "/v1/payment_intents"): payments.create,
    ("POST", "/v1/payment_intents/{id}/confirm"): payments.confirm,
    ("POST", "/v1/payment_intents/{id}/capture"): payments.capture,
    ("POST", "/v1/payment_intents/{id}/cancel"): payments.cancel,
    ("POST", "/v1/refunds"): payments.refund,
    ("POST", "/v1/disputes/{id}"): payments.answer_dispute,
    ("POST", "/stand-in/payment_intents/{id}/lapse"): payments.lapse,
    ("POST", "/stand-in/refunds/{id}/settle"): payments.settle_refund,
    ("POST", "/stand-in/subscriptions/{id}/renew"): billing.renew,
}


@dataclass(frozen=True)
class Keys:
    """The secret keys of the two modes, where events go to, and what they are signed with."""

    live: str
    test: str
    hook_url: str
    hook_secret: str = field(repr=False)


def create_app(state: State, keys: Keys, url: str) -> Starlette:
    """`url`: where people find its pages. It sends events while it runs."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send_forever, state, keys.hook_url, keys.hook_secret)
            tasks.start_soon(lapse_forever, state)
            yield
            tasks.cancel_scope.cancel()

    api = _Api(state, keys, url)
    routes = [Route(path, api.endpoint(handler), methods=[method]) for (method, path), handler in ACTIONS.items()]
    for path, kind in COLLECTIONS.items():
        routes.append(Route(f"/v1/{path}", api.endpoint(_lister(kind, f"/v1/{path}")), methods=["GET"]))
        routes.append(Route(f"/v1/{path}/{{id}}", api.endpoint(_reader(kind)), methods=["GET"]))
    for path, handler in (("pay", billing.pay_session), ("authenticate", payments.authenticate), ("portal", billing.use_portal)):
        routes.append(Route(f"/{path}/{{id}}", api.page(path), methods=["GET"]))
        routes.append(Route(f"/{path}/{{id}}", api.paying(handler), methods=["POST"]))
    routes.append(Route("/health", lambda _: JSONResponse({"status": "ok"}), methods=["GET"]))
    return Starlette(routes=routes, lifespan=lifespan, exception_handlers={Refusal: _refused, 404: _unknown_path})


class _Api:
    def __init__(self, state: State, keys: Keys, url: str) -> None:
        self._state = state
        self._modes = {keys.live: True, keys.test: False}
        self._url = url

    def endpoint(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """A path of Stripe's API: form or query in, JSON out."""

        async def respond(request: Request) -> Response:
            body = (await request.body()).decode()
            params = nested(parse_qsl(body or request.url.query, keep_blank_values=True))
            call = Call(self._state, self._livemode(request, params), params, request.headers.get("idempotency-key"), self._url)
            print_of = hashlib.sha256(f"{request.method} {request.url.path}\n{body}".encode()).hexdigest()
            with self._state.transaction():
                return self._answer(call, handler, request.path_params, print_of)

        return respond

    def paying(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """What a person does on a page; nobody but the page's address is asked for. JSON for who asks for it."""

        async def respond(request: Request) -> Response:
            params = nested(parse_qsl((await request.body()).decode(), keep_blank_values=True))
            with self._state.transaction():
                answer = handler(self._call_of(request.path_params["id"], params), **request.path_params)
            if isinstance(answer, Refusal):
                return JSONResponse(answer.body, answer.status)
            if "text/html" in request.headers.get("accept", "") and answer.get("success_url"):
                return RedirectResponse(answer["success_url"], 303)
            return JSONResponse(answer)

        return respond

    def page(self, action: str) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            call = self._call_of(request.path_params["id"], {})
            return HTMLResponse(_form(action, [body["id"] for body in call.all("price") if body["type"] == "recurring"]))

        return respond

    def _answer(self, call: Call, handler: Handler, path: dict[str, Any], print_of: str) -> Response:
        """https://docs.stripe.com/api/idempotent_requests: what was done is answered again, what was refused is tried again."""
        if call.key:
            first = self._state.answer_of(call.livemode, call.key, print_of)
            if first is not None:
                return JSONResponse(first[1], first[0], {"Idempotent-Replayed": "true"})
        answer = handler(call, **path)
        status, body = (answer.status, answer.body) if isinstance(answer, Refusal) else (200, answer)
        if call.key:
            self._state.keep_answer(call.livemode, call.key, print_of, status, body)
        return JSONResponse(body, status)

    def _livemode(self, request: Request, params: dict[str, Any]) -> bool:
        """https://docs.stripe.com/keys; an intent's own client secret may confirm it, as a browser does."""
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if key in self._modes:
            return self._modes[key]
        secret = params.pop("client_secret", "")
        if secret and request.url.path.endswith("/confirm"):
            call = self._call_of(request.path_params["id"], {})
            if call.get("payment_intent", request.path_params["id"])["client_secret"] == secret:
                return call.livemode
        raise Refusal(401, "invalid_request_error", "Invalid API Key provided.")

    def _call_of(self, id: str, params: dict[str, Any]) -> Call:
        """A call in the mode that an object is of."""
        call = Call(self._state, False, params, None, self._url)
        kinds = ("checkout.session", "payment_intent", "billing_portal.session")
        return replace(call, livemode=any(self._state.find(True, kind, id) for kind in kinds))


def _lister(kind: str, url: str) -> Handler:
    return lambda call: call.listed(kind, url)


def _reader(kind: str) -> Handler:
    return lambda call, id: call.expanded(call.get(kind, id))


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return JSONResponse(error.body, error.status)


async def _unknown_path(_: Request, __: Exception) -> Response:
    return JSONResponse(invalid("Unrecognized request URL: the stand-in does not know it.").body, 404)


def _form(action: str, prices: list[str]) -> str:
    choices = {
        "pay": ("payment_method", ["pm_card_visa", *payments.CARDS]),
        "authenticate": ("outcome", ["succeed", "fail"]),
        "portal": ("action", ["cancel"]),
    }
    name, values = choices[action]
    fields = _select(name, values) + (_select("price", ["", *prices]) if action == "portal" else "")
    form = f"<form method=post>{fields}<button>Go on</button></form>"
    return f"<!doctype html><title>Stand-in for Stripe</title><p>No money moves here.</p>{form}"


def _select(name: str, values: list[str]) -> str:
    options = "".join(f"<option>{html.escape(value)}</option>" for value in values)
    return f"<select name={name}>{options}</select> "
