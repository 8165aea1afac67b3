"""API tokens as people see them: `ctr_live_` or `ctr_test_`, 160 random bits in base 62, and a checksum. Pure.

The checksum (CRC-32 of all that stands before it, as in GitHub's tokens) tells a mistyped token from a wrong one without
asking the database, and lets scanners find leaked ones. Only the SHA-256 of a token is stored, and tokens are looked up
by it: of 160 random bits no slower hash is needed, and the time of a look-up tells nothing about the token.
"""

import hashlib
import re
import secrets
import string
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from cutroom.errors import Forbidden, Unauthorized

Mode = Literal["live", "test"]
# admin includes all the others.
Scope = Literal[
    "assets:read",
    "assets:write",
    "jobs:read",
    "jobs:write",
    "credits:read",
    "credits:write",
    "webhooks:read",
    "webhooks:write",
    "tokens:write",
    "admin",
]
SCOPES: tuple[Scope, ...] = get_args(Scope)

SECRET_BITS = 160
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SECRET_LENGTH = 27  # 62**27 > 2**160
_CHECKSUM_LENGTH = 6  # 62**6 > 2**32
_HINT_LENGTH = len("ctr_live_") + 4
_SHAPE = re.compile(rf"ctr_(live|test)_[0-9A-Za-z]{{{_SECRET_LENGTH + _CHECKSUM_LENGTH}}}")


@dataclass(frozen=True)
class NewToken:
    """`text` is shown once and kept nowhere. `hash`: what is stored. `hint`: its first characters, to tell tokens apart."""

    text: str
    hash: str
    hint: str


def new_token(mode: Mode) -> NewToken:
    body = f"ctr_{mode}_" + _base62(secrets.randbits(SECRET_BITS), _SECRET_LENGTH)
    text = body + _checksum(body)
    return NewToken(text, token_hash(text), text[:_HINT_LENGTH])


def parse(text: str) -> str:
    """The hash to look a token up by. Raises Unauthorized (`token_malformed`) where it was never one of ours."""
    body, checksum = text[:-_CHECKSUM_LENGTH], text[-_CHECKSUM_LENGTH:]
    if _SHAPE.fullmatch(text) is None or checksum != _checksum(body):
        raise Unauthorized("This is not a Cutroom token; copy all of it, from ctr_ to its end.", code="token_malformed")
    return token_hash(text)


def token_hash(text: str) -> str:
    """SHA-256, hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def require(scopes: Iterable[str], needed: Scope) -> None:
    """Raises Forbidden (`scope_missing`) where a token's scopes do not include the needed one; `admin` includes all."""
    if not {needed, "admin"}.intersection(scopes):
        raise Forbidden(f"This token lacks the scope {needed}; use one that has it.", code="scope_missing")


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
