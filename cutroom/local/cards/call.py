"""One request to the stand-in: its mode, its parameters, and what it may do with the state."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from cutroom.local.cards import shapes
from cutroom.local.cards.forms import invalid
from cutroom.local.cards.shapes import Body
from cutroom.local.cards.state import State

# The version whose shapes are documented in `shapes`, and which the SDK asks for.
API_VERSION = "2026-10-28.endive"
_EXPANDABLE = {"charge": "charge", "latest_charge": "charge", "payment_intent": "payment_intent"}
_RANGES: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
}


@dataclass(frozen=True)
class Call:
    """`key`: the request's idempotency key. `url`: where the stand-in is found."""

    state: State
    livemode: bool
    params: dict[str, Any] = field(default_factory=dict)
    key: str | None = None
    url: str = ""

    def get(self, kind: str, id: str) -> Body:
        """Raises Refusal (`resource_missing`)."""
        return self.state.get(self.livemode, kind, id)

    def all(self, kind: str) -> Iterator[Body]:
        return self.state.all(self.livemode, kind)

    def head(self, kind: str, prefix: str) -> Body:
        """The first fields of a new object."""
        return shapes.base(kind, self.state.new_id(prefix), self.livemode, self.state.now)

    def keep(self, body: Body) -> Body:
        return self.state.put(self.livemode, body)

    def tell(self, kind: str, subject: Body) -> None:
        """Send an event with the object as it is now: https://docs.stripe.com/api/events/types"""
        self.state.enqueue(shapes.event(self.head("event", "evt"), kind, API_VERSION, subject, self.key))

    def listed(self, kind: str, url: str) -> Body:
        """A page of objects, newest first, by `created`, `limit`, `starting_after` and equal fields."""
        wanted = {
            name: value for name, value in self.params.items() if name not in ("limit", "starting_after", "expand", "created")
        }
        created = self.params.get("created", {})
        limit = int(self.params.get("limit", 10))
        if not 1 <= limit <= 100:
            raise invalid("This value must be from 1 to 100.", stripe_code="parameter_invalid_integer", param="limit")
        found = [body for body in self.all(kind) if _matches(body, wanted) and _within(body["created"], created)]
        after = self.params.get("starting_after")
        if after:
            ids = [body["id"] for body in found]
            found = found[ids.index(after) + 1 :] if after in ids else []
        return shapes.listed(url, [self.expanded(body) for body in found[:limit]], has_more=len(found) > limit)

    def expanded(self, body: Body) -> Body:
        """`expand[]=payment_intent.latest_charge`: https://docs.stripe.com/api/expanding_objects"""
        for name in self.params.get("expand", []):
            body = self._with(body, name.removeprefix("data.").split("."))
        return body

    def _with(self, body: Body, path: list[str]) -> Body:
        """The object with those that a path of fields leads to in place of their ids."""
        (name, *rest) = path
        if name not in _EXPANDABLE or not isinstance(body.get(name), str):
            return body
        found = self.get(_EXPANDABLE[name], body[name])
        return body | {name: self._with(found, rest) if rest else found}


def _within(created: int, range_: dict[str, Any]) -> bool:
    return all(_RANGES[name](created, int(value)) for name, value in range_.items())


def _matches(body: Body, wanted: dict[str, Any]) -> bool:
    """Fields are equal; `lookup_keys` is a choice of `lookup_key`."""
    for name, value in wanted.items():
        if name == "lookup_keys":
            if body.get("lookup_key") not in value:
                return False
        elif isinstance(value, dict):
            if not _matches(body.get(name) or {}, value):
                return False
        elif body.get(name) != value:
            return False
    return True
