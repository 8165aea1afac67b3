"""Whether an answer has the shape that the SDK's own types document: required fields are there, all are known, each fits."""

import builtins
import sys
import types
from functools import cache
from typing import Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints

import stripe
from stripe import StripeObject

Path = str


def misfits(value: Any, wanted: Any, path: Path = "") -> list[str]:
    """What in `value` (JSON) does not fit `wanted`, an annotation of the SDK's."""
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin in (Union, types.UnionType):
        tried = [misfits(value, each, path) for each in arguments if value is None or each is not type(None)]
        return min(tried, key=len) if all(tried) else []
    if origin is Literal:
        return [] if value in arguments else [f"{path}: {value!r} is none of {arguments}"]
    if origin is list:
        if not isinstance(value, list):
            return [f"{path}: no list"]
        return [found for number, each in enumerate(value) for found in misfits(each, arguments[0], f"{path}[{number}]")]
    if origin is not None and isinstance(origin, type) and issubclass(origin, stripe.ListObject):
        return misfits(value.get("data"), list[arguments[0]], f"{path}.data")  # type: ignore[valid-type]
    if wanted is type(None):
        return [] if value is None else [f"{path}: not null"]
    if isinstance(wanted, type) and issubclass(wanted, StripeObject):
        return _object_misfits(value, wanted, path)
    if wanted is Any or not isinstance(wanted, type) or origin is not None:
        return []
    if wanted is int:
        return [] if isinstance(value, int) and not isinstance(value, bool) else [f"{path}: {value!r} is no int"]
    return [] if isinstance(value, wanted) else [f"{path}: {value!r} is no {wanted.__name__}"]


def _object_misfits(value: Any, wanted: type[StripeObject], path: Path) -> list[str]:
    if not isinstance(value, dict):
        return [f"{path}: no {wanted.__name__}"]
    hints = {name: hint for name, hint in _hints(wanted).items() if not name.startswith("_")}
    if not hints:
        return []
    found = [f"{path}.{name} is unknown to {wanted.__name__}" for name in value if name not in hints]
    for name, hint in hints.items():
        if name in value:
            found += misfits(value[name], hint, f"{path}.{name}")
        elif type(None) not in get_args(hint) and name != "deleted":
            found.append(f"{path}.{name} is missing")
    return found


class _Names(dict[str, Any]):
    """Names that annotations use and their module imports for type checkers alone: the SDK exports nearly all; the rest is Any."""

    def __missing__(self, name: str) -> Any:
        return getattr(stripe, name, Any)


@cache
def _hints(wanted: type[StripeObject]) -> dict[str, Any]:
    """The fields of a class of the SDK's; a class that has none is an open bag."""
    hints = get_type_hints(wanted, {}, _Names({**vars(builtins), **vars(sys.modules[wanted.__module__]), **vars(wanted)}))
    fields = {
        name for base in wanted.__mro__ if base.__module__ == wanted.__module__ for name in vars(base).get("__annotations__", {})
    }
    return {name: hint for name, hint in hints.items() if name in fields and get_origin(hint) is not ClassVar}
