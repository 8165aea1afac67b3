"""One dead endpoint delays nobody: events to many endpoints, some of which hang, through the real Temporal."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from activities.base import Resources
from activities.deliveries import deliver
from activities.mail import send_mail
from cutroom.contracts.steps import Queue
from cutroom.settings import Settings
from cutroom.store import deliveries
from cutroom.temporal.connection import connect
from cutroom.temporal.outbox import sweep_forever
from cutroom.temporal.worker import make_worker
from tests.webhooks.conftest import Sender
from tests.webhooks.receiver import Receiver, answers, hangs
from workflows.delivery import Delivery, Mail


@asynccontextmanager
async def delivering(settings: Settings, resources: Resources) -> AsyncIterator[None]:
    """The control and the outbound worker, as far as deliveries need them, and the sweeper."""
    client = await connect(settings)
    steps = [deliver.bind(resources), send_mail.bind(resources)]
    control = make_worker(client, Queue.CONTROL, [], [Delivery, Mail], drain_s=0)
    outbound = make_worker(client, Queue.OUTBOUND, steps, slots=settings.outbound_slots, drain_s=0)
    async with control, outbound:
        sweeper = asyncio.create_task(sweep_forever(resources.all_organisations, resources.engine))
        yield
        sweeper.cancel()


async def arrivals(
    senders: list[Sender], receiver: Receiver, dead: int, events: int, every_s: float
) -> tuple[list[float], list[float]]:
    """Tell `events` to the senders' endpoints in turn, one each `every_s`; the last `dead` hang.

    Answers seconds from the telling of an event to its arrival: those of the live endpoints, and of the dead ones.
    """
    for number, sender in enumerate(senders):
        hung = number >= len(senders) - dead
        await sender.endpoint(receiver.at(f"/{'dead' if hung else 'live'}/{number}", hangs if hung else answers(200)))
    told: dict[str, float] = {}
    started = time.monotonic()
    for number in range(events):
        sender = senders[number % len(senders)]
        async with sender.resources.database.transaction(sender.org_id) as session:
            await deliveries.announce(session, sender.org_id, "live", "campaign.succeeded", {"number": number})
        told[str(number)] = time.monotonic()
        await asyncio.sleep(max(0.0, started + (number + 1) * every_s - time.monotonic()))
    expected = sum(number % len(senders) < len(senders) - dead for number in range(events))
    async with asyncio.timeout(120):
        while sum(one.path.startswith("/live/") for one in receiver.received) < expected:
            await asyncio.sleep(0.05)
    waits: dict[bool, list[float]] = {True: [], False: []}
    for one in receiver.received:
        number = one.json()["data"]["number"]
        waits[one.path.startswith("/live/")].append(one.at - told[str(number)])
    return sorted(waits[True]), sorted(waits[False])


def share(waits: list[float], part: float) -> float:
    return waits[min(len(waits) - 1, int(len(waits) * part))]


async def measure(
    settings: Settings,
    resources: Resources,
    receiver: Receiver,
    make_sender: Callable[[], Any],
    counts: tuple[int, int, int],
    every_s: float,
) -> float:
    endpoints, dead, events = counts
    senders = [await make_sender() for _ in range(endpoints)]
    async with delivering(settings, resources):
        began = time.process_time()
        live, hung = await arrivals(senders, receiver, dead, events, every_s)
        cpu_s = time.process_time() - began
    print(
        f"\n{events} events, one each {every_s} s, to {endpoints} endpoints of which {dead} hang: {len(live)} arrived, "
        f"median {share(live, 0.5):.2f} s, p95 {share(live, 0.95):.2f} s, longest {live[-1]:.2f} s; {len(hung)} tries hung; "
        f"{1000 * cpu_s / events:.0f} ms of CPU each in Python"
    )
    return share(live, 0.95)


async def test_endpoints_that_hang_delay_no_other(
    settings: Settings, resources: Resources, receiver: Receiver, make_sender: Callable[[], Any]
) -> None:
    """They would take all 16 slots for a quarter of a minute. Held against the same without them: the machine may be busy."""
    settings = settings.model_copy(update={"outbound_slots": 16})
    without = await measure(settings, resources, receiver, make_sender, (4, 0, 40), 0.05)
    receiver.received.clear()
    assert await measure(settings, resources, receiver, make_sender, (6, 2, 60), 0.05) < 3 * without + 2


@pytest.mark.soak
async def test_a_thousand_events_to_fifty_endpoints_of_which_ten_hang(
    settings: Settings, resources: Resources, receiver: Receiver, make_sender: Callable[[], Any]
) -> None:
    assert await measure(settings, resources, receiver, make_sender, (50, 10, 1000), 0.1) < 5
