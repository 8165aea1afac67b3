"""Sending events: signed, one at a time, and again until somebody takes them: https://docs.stripe.com/webhooks"""

import asyncio
import time

import httpx
import structlog

from cutroom.local.cards.call import Call
from cutroom.local.cards.payments import lapse_due
from cutroom.local.cards.state import State
from cutroom.money.stripe_signature import sign

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 0.1
LONGEST_WAIT_S = 60.0
ANSWER_WITHIN_S = 10.0
LAPSES_EVERY_S = 5.0


async def send_forever(state: State, url: str, secret: str) -> None:
    """Send what is due until canceled; what nobody takes is due again after 1, 2, 4 ... at most 60 seconds."""
    async with httpx.AsyncClient(timeout=ANSWER_WITHIN_S, trust_env=False) as http:
        while True:
            for event_id, body, tries in state.due():
                if await _taken(http, url, secret, body.encode()):
                    state.delivered(event_id)
                else:
                    state.try_again(event_id, min(LONGEST_WAIT_S, 2.0 ** min(tries, 10)))
                    log.warning("event_not_taken", id=event_id, tries=tries + 1)
            await asyncio.sleep(LOOK_EVERY_S)


async def lapse_forever(state: State) -> None:
    """End authorisations whose time has come, until canceled."""
    while True:
        with state.transaction():
            for livemode in (False, True):
                lapse_due(Call(state, livemode))
        await asyncio.sleep(LAPSES_EVERY_S)


async def _taken(http: httpx.AsyncClient, url: str, secret: str, body: bytes) -> bool:
    headers = {"Stripe-Signature": sign(body, secret, time.time()), "Content-Type": "application/json; charset=utf-8"}
    try:
        return (await http.post(url, content=body, headers=headers)).is_success
    except httpx.TransportError:
        return False
