"""What Stripe's API takes and refuses: nested parameters in forms (https://docs.stripe.com/api), and its errors as JSON."""

import re
from collections.abc import Iterable
from typing import Any

from cutroom.local.cards.shapes import Body

_PART = re.compile(r"\[([^\]]*)\]")


class Refusal(Exception):
    """An error answer: https://docs.stripe.com/api/errors. `more`: further fields of the error, such as `payment_intent`."""

    def __init__(
        self, status: int, kind: str, message: str, *, stripe_code: str = "", param: str = "", more: Body | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        named = {"code": stripe_code, "param": param}
        self.body: Body = {"error": {"type": kind, "message": message, **{k: v for k, v in named.items() if v}, **(more or {})}}


def invalid(message: str, *, stripe_code: str = "", param: str = "", status: int = 400, more: Body | None = None) -> Refusal:
    return Refusal(status, "invalid_request_error", message, stripe_code=stripe_code, param=param, more=more)


def missing(kind: str) -> Refusal:
    """https://docs.stripe.com/error-codes#resource-missing"""
    return invalid(f"No such {kind}", stripe_code="resource_missing", param="id", status=404)


def nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """`a[b][0]=x` as {"a": {"b": ["x"]}}."""
    result: dict[str, Any] = {}
    for name, value in pairs:
        head, *_ = name.partition("[")
        path = [head, *_PART.findall(name)]
        at: dict[str, Any] = result
        for part in path[:-1]:
            at = at.setdefault(part, {})
        at[path[-1] or str(len(at))] = value
    return {name: _lists(value) for name, value in result.items()}


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [_lists(value[key]) for key in sorted(value, key=int)]
    return {key: _lists(each) for key, each in value.items()}


def amount(params: dict[str, Any], name: str, default: int | None = None) -> int:
    """A number of minor units. Raises Refusal."""
    given = params.get(name, default)
    if given is None:
        raise invalid(f"Missing required param: {name}.", stripe_code="parameter_missing", param=name)
    if not str(given).isdigit() or int(given) < 1:
        raise invalid("This value must be an integer above zero.", stripe_code="parameter_invalid_integer", param=name)
    return int(given)


def required(params: dict[str, Any], *names: str) -> None:
    for name in names:
        if params.get(name) in (None, ""):
            raise invalid(f"Missing required param: {name}.", stripe_code="parameter_missing", param=name)
