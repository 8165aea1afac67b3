"""Signatures of Stripe's webhooks: https://docs.stripe.com/webhooks#verify-manually

`Stripe-Signature: t=<seconds>,v1=<hex>[,v1=...]`; each v1 is the HMAC-SHA256 of `<seconds>.<raw body>` under one secret.
"""

import hashlib
import hmac
from collections.abc import Sequence

from cutroom.errors import BadSignature

TOLERANCE_S = 300


def sign(body: bytes, secret: str, now: float) -> str:
    """The header for a body sent at `now`."""
    seconds = str(int(now))
    return f"t={seconds},v1={_mac(body, secret, seconds)}"


def verify(body: bytes, header: str, secrets: Sequence[str], now: float) -> None:
    """Raises BadSignature where none of `secrets` signed the body, or it was signed more than 300 s before or after `now`."""
    parts = [part.strip().partition("=") for part in header.split(",")]
    seconds = next((value for name, _, value in parts if name == "t"), "")
    given = [value for name, _, value in parts if name == "v1"]
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 12):
        raise BadSignature("There is no signature of Stripe's on this; nothing was done.")
    expected = [_mac(body, secret, seconds) for secret in secrets]
    # Bytes: comparing text that is not ASCII is an error.
    if not any(hmac.compare_digest(mac.encode(), value.encode()) for mac in expected for value in given):
        raise BadSignature("This was signed with another secret; correct CUTROOM_STRIPE_WEBHOOK_SECRETS if it came from Stripe.")
    if abs(now - int(seconds)) > TOLERANCE_S:
        raise BadSignature("This was signed too long ago, or in the future; nothing was done.")


def _mac(body: bytes, secret: str, seconds: str) -> str:
    return hmac.new(secret.encode(), seconds.encode() + b"." + body, hashlib.sha256).hexdigest()
