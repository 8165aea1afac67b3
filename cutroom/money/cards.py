"""The one place that talks to Stripe: PaymentIntents with manual capture, and customers. Each call is tried once.

Trying again is the workflow's affair: an answer that never came is `card_unclear`, and is asked for (`get_intent`), never taken
for a failure. Keys of idempotency are made of the job and the phase, so that the same call again is the same payment
(https://docs.stripe.com/api/idempotent_requests). `checkouts` and `purchases` speak through `Cards` too.

Nothing that Stripe's errors say is passed on: they may hold a client secret.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from cutroom.contracts.base import JobRef
from cutroom.contracts.cards import CancelReason, Intent, Mode, Refunded
from cutroom.errors import CardDeclined, Conflict, CutroomError, InvalidRequest, NotFound, SetupError, Unreachable
from cutroom.settings import Settings
from cutroom.telemetry.calls import measured

if TYPE_CHECKING:
    import stripe

T = TypeVar("T")
# The method of Stripe's client that lists something.
Lister = Callable[["stripe.StripeClient"], Callable[[Any], Awaitable[Any]]]

ANSWER_WITHIN_S = 20.0
LIVE_KEYS = ("sk_live_", "rk_live_")
TEST_KEYS = ("sk_test_", "rk_test_")
_WITH_CHARGE = ["latest_charge"]


class Cards:
    """Stripe in one mode, which is that of the token and of the job. Nothing connects before it is used."""

    def __init__(self, settings: Settings, mode: Mode) -> None:
        """Raises SetupError (`cards_not_set_up`, `card_key_of_other_mode`, `card_key_live`)."""
        key = (settings.stripe_live_key if mode == "live" else settings.stripe_test_key).get_secret_value()
        _require_key(key, mode, settings.stripe_url)
        self.mode: Mode = mode
        self._key = key
        self._url = settings.stripe_url
        self._made: stripe.StripeClient | None = None

    @property
    def client(self) -> "stripe.StripeClient":
        if self._made is None:
            import httpx  # the SDK costs 40 MB: only who pays loads it
            import stripe

            logging.getLogger("stripe").setLevel(logging.WARNING)  # below, it tells of bodies, which hold client secrets
            self._made = stripe.StripeClient(
                self._key,
                base_addresses={"api": self._url} if self._url else {},
                max_network_retries=0,
                http_client=stripe.HTTPXClient(timeout=httpx.Timeout(ANSWER_WITHIN_S, connect=5)),
            )
        return self._made

    async def create_intent(self, job: JobRef, amount: int, currency: str, customer: str, metadata: Mapping[str, str]) -> Intent:
        """Ask for `amount` of a card, to be captured later. The same job again is the same intent.

        Raises InvalidRequest (`amount_below_minimum`, `currency_unknown`), Conflict (`operation_differs`), Unreachable
        (`card_unclear`), SetupError (`card_key_refused`).
        """
        named = {"job": job.job_id, "organisation": job.org_id, "mode": self.mode}
        return await self._intent(
            "create_intent",
            lambda client: client.v1.payment_intents.create_async(
                {
                    "amount": amount,
                    "currency": currency,
                    "customer": customer,
                    "capture_method": "manual",
                    "allowed_payment_method_types": ["card"],
                    "metadata": {**metadata, **named},
                    "expand": _WITH_CHARGE,
                },
                {"idempotency_key": f"{job.job_id}/authorise"},
            ),
        )

    async def get_intent(self, intent_id: str) -> Intent:
        """What Stripe says of it now. Raises NotFound (`payment_unknown`), Unreachable (`card_unclear`), SetupError."""
        return await self._intent(
            "get_intent", lambda client: client.v1.payment_intents.retrieve_async(intent_id, {"expand": _WITH_CHARGE})
        )

    async def capture(self, job: JobRef, intent_id: str, amount: int) -> Intent:
        """Take `amount` of what was authorised; the rest goes back to the card. The same call again is the same capture.

        Raises Conflict (`payment_not_capturable`) where it was canceled, captured or lapsed meanwhile, CardDeclined,
        InvalidRequest (`amount_over_authorised`), Unreachable (`card_unclear`: look it up before anything else), SetupError.
        """
        return await self._intent(
            "capture",
            lambda client: client.v1.payment_intents.capture_async(
                intent_id, {"amount_to_capture": amount, "expand": _WITH_CHARGE}, {"idempotency_key": f"{job.job_id}/capture"}
            ),
        )

    async def cancel(self, job: JobRef, intent_id: str, reason: CancelReason) -> Intent:
        """Give the authorisation back; nothing was charged. The same call again is the same cancel.

        Raises Conflict (`payment_not_capturable`) where it was captured or canceled otherwise, Unreachable (`card_unclear`).
        """
        return await self._intent(
            "cancel",
            lambda client: client.v1.payment_intents.cancel_async(
                intent_id, {"cancellation_reason": reason, "expand": _WITH_CHARGE}, {"idempotency_key": f"{job.job_id}/cancel"}
            ),
        )

    async def refund(self, job: JobRef, intent_id: str, amount: int) -> Refunded:
        """Give `amount` of what was captured back. The same job again is the same refund.

        Raises InvalidRequest (`amount_over_authorised`), Unreachable (`card_unclear`), SetupError.
        """
        refund = await self.ask(
            "refund",
            lambda client: client.v1.refunds.create_async(
                {"payment_intent": intent_id, "amount": amount}, {"idempotency_key": f"{job.job_id}/refund"}
            ),
        )
        return refund_of(refund.to_dict())

    async def intents(self, since: datetime, until: datetime, after: str = "") -> tuple[list[Intent], str]:
        """A page of the intents made from `since` to before `until`, newest first: see `page`."""
        wanted = {"created": within(since, until), "expand": ["data.latest_charge"]}
        found, more = await self.page("list_intents", lambda client: client.v1.payment_intents.list_async, wanted, after)
        return [intent_of(intent) for intent in found], more

    async def create_customer(self, org_id: str) -> str:
        """The id of an organisation's customer; the same organisation within a day is the same customer."""
        made = await self.ask(
            "create_customer",
            lambda client: client.v1.customers.create_async(
                {"metadata": {"organisation": org_id, "mode": self.mode}}, {"idempotency_key": f"{org_id}/{self.mode}/customer"}
            ),
        )
        return made.id

    async def ask(self, operation: str, call: Callable[["stripe.StripeClient"], Awaitable[T]]) -> T:
        """One call, measured, its errors translated into ours."""
        import stripe

        with measured("stripe", operation):
            try:
                async with asyncio.timeout(ANSWER_WITHIN_S + 5):
                    return await call(self.client)
            except TimeoutError:
                raise unclear() from None
            except stripe.StripeError as error:
                raise translated(error) from None

    async def _intent(self, operation: str, call: Callable[["stripe.StripeClient"], Awaitable["stripe.PaymentIntent"]]) -> Intent:
        intent = intent_of((await self.ask(operation, call)).to_dict())
        if intent.mode != self.mode:
            raise _wrong_mode()
        return intent

    async def page(self, operation: str, method: Lister, wanted: Mapping[str, Any], after: str) -> tuple[list[dict[str, Any]], str]:
        """Up to a hundred objects of a list that come after the object `after`, and what the next page comes after; empty at the
        end: https://docs.stripe.com/api/pagination. Raises Unreachable (`card_unclear`), SetupError.
        """
        asked = {**wanted, "limit": 100, **({"starting_after": after} if after else {})}
        found = (await self.ask(operation, lambda client: method(client)(asked))).to_dict()
        return found["data"], found["data"][-1]["id"] if found["has_more"] else ""

    async def pages(self, operation: str, method: Lister, wanted: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """Everything that a list holds."""
        after = ""
        while True:
            found, after = await self.page(operation, method, wanted, after)
            for item in found:
                yield item
            if not after:
                return


class CardModes:
    """`modes("live")`, `modes("test")`: one client each, made when it is first asked for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: dict[Mode, Cards] = {}

    def __call__(self, mode: Mode) -> Cards:
        """Raises as `Cards` does."""
        if mode not in self._made:
            self._made[mode] = Cards(self._settings, mode)
        return self._made[mode]


def intent_of(found: Mapping[str, Any]) -> Intent:
    """A PaymentIntent with its latest charge in it, as https://docs.stripe.com/api/payment_intents/object describes it."""
    problem = found.get("last_payment_error") or {}
    charge = found.get("latest_charge") or {}
    card = (charge.get("payment_method_details") or {}).get("card") or {}
    # Stripe counts what a capture leaves to the card as refunded; it was never received.
    uncaptured = charge["amount"] - charge["amount_captured"] if charge.get("captured") else 0
    lapses = card.get("capture_before") if found["status"] == "requires_capture" else None
    return Intent(
        id=found["id"],
        mode="live" if found["livemode"] else "test",
        status=found["status"],
        amount=found["amount"],
        amount_capturable=found.get("amount_capturable", 0),
        amount_received=found.get("amount_received", 0),
        refunded=max(0, charge.get("amount_refunded", 0) - uncaptured),
        currency=found["currency"],
        customer=found.get("customer") or "",
        metadata=found.get("metadata") or {},
        client_secret=found.get("client_secret") or "",
        decline_code=problem.get("decline_code") or problem.get("code") or "",
        cancel_reason=found.get("cancellation_reason") or "",
        capture_before=at(lapses) if lapses else None,
        created_at=at(found["created"]),
    )


def refund_of(found: Mapping[str, Any]) -> Refunded:
    """https://docs.stripe.com/api/refunds/object"""
    return Refunded(
        id=found["id"],
        customer=customer_of(found),
        intent_id=found.get("payment_intent") or "",
        amount=found["amount"],
        created_at=at(found["created"]),
        failed=found["status"] in ("failed", "canceled"),
    )


def customer_of(found: Mapping[str, Any]) -> str:
    """Whose charge a refund or a dispute is about, where it came with its charge."""
    charge = found.get("charge")
    return (charge.get("customer") or "") if isinstance(charge, Mapping) else ""


def within(since: datetime, until: datetime) -> dict[str, int]:
    """A range of `created`, from `since` to before `until`."""
    return {"gte": int(since.timestamp()), "lt": int(until.timestamp())}


def at(seconds: int) -> datetime:
    """A time of Stripe's: seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def unclear() -> Unreachable:
    """Nobody knows whether it was done."""
    return Unreachable("The card processor gave no clear answer; what became of it is asked again.", code="card_unclear")


def translated(error: "stripe.StripeError") -> CutroomError:
    """Stripe's error as one of ours: https://docs.stripe.com/api/errors and https://docs.stripe.com/error-codes"""
    import stripe

    status, code = error.http_status, error.code or ""
    if status is None or status in (409, 429) or status >= 500:
        return unclear()
    if isinstance(error, stripe.CardError):
        said = error.error.decline_code if error.error else None
        return CardDeclined("The bank declined this card; another one may be tried.", decline_code=said or code)
    if isinstance(error, (stripe.AuthenticationError, stripe.PermissionError)):
        return SetupError("Stripe refuses our key; correct CUTROOM_STRIPE_LIVE_KEY or ..._TEST_KEY.", code="card_key_refused")
    if isinstance(error, stripe.IdempotencyError):
        return Conflict("This was asked of the card before, with other amounts; nothing was done.", code="operation_differs")
    if isinstance(error, stripe.InvalidRequestError) and error.param == "currency":
        return InvalidRequest("Cards are not charged in this currency; see /v1/prices.", code="currency_unknown")
    if isinstance(error, stripe.InvalidRequestError) and code not in _REFUSALS and error.param in ("amount", "amount_to_capture"):
        return InvalidRequest("There is less than this to take, or to give back.", code="amount_over_authorised")
    return _REFUSALS.get(code, _refused)()


def _refused() -> CutroomError:
    return InvalidRequest("The card processor does not take this request.", code="card_request_refused")


_REFUSALS: Mapping[str, Callable[[], CutroomError]] = {
    "resource_missing": lambda: NotFound("Stripe knows of no such object in this mode.", code="payment_unknown"),
    "payment_intent_unexpected_state": lambda: Conflict(
        "The payment is in a state that does not allow this; look it up.", code="payment_not_capturable"
    ),
    "amount_too_small": lambda: InvalidRequest("The amount is below what a card can be charged.", code="amount_below_minimum"),
    "amount_too_large": lambda: InvalidRequest("The amount is over what may be taken.", code="amount_over_authorised"),
    "charge_already_refunded": lambda: Conflict("All of this payment was given back before.", code="payment_not_capturable"),
}


def _require_key(key: str, mode: Mode, url: str) -> None:
    if not key:
        raise SetupError(
            f"Cards of {mode} mode are not set up here; set CUTROOM_STRIPE_{mode.upper()}_KEY.", code="cards_not_set_up"
        )
    if url and key.startswith(LIVE_KEYS):
        raise SetupError("A live key is for Stripe alone; take it away, or CUTROOM_STRIPE_URL.", code="card_key_live")
    if not url and not key.startswith(LIVE_KEYS if mode == "live" else TEST_KEYS):
        raise SetupError(
            f"CUTROOM_STRIPE_{mode.upper()}_KEY is not a key of that mode; copy the one that begins with sk_{mode}_.",
            code="card_key_of_other_mode",
        )


def _wrong_mode() -> Conflict:
    return Conflict("The payment is of the other mode; live and test never mix.", code="payment_of_other_mode")
