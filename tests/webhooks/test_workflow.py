"""The schedule, as Temporal keeps it: which try comes when, and that a full lane costs no try."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from cutroom.contracts.base import Nothing
from cutroom.contracts.deliveries import DELIVER, JITTER, SCHEDULE_S, SEND_MAIL, DeliveryInput, MailInput, Tried, TryInput
from cutroom.contracts.ids import new_id
from cutroom.contracts.steps import Queue
from cutroom.settings import Settings
from cutroom.temporal.connection import connect
from workflows.delivery import Delivery, Mail


@dataclass
class Outbound:
    """An outbound worker that plays. `answers`: what its tries become, in order; when they are spent, another time at once."""

    client: Client
    delivery_id: str = field(default_factory=lambda: new_id("dlv"))
    tries: list[TryInput] = field(default_factory=list)
    answers: list[Tried] = field(default_factory=list)
    mails: list[str] = field(default_factory=list)

    async def deliver(self, tries: int = 0) -> list[TryInput]:
        wanted = DeliveryInput(org_id="org_1", delivery_id=self.delivery_id, tried=tries)
        async with asyncio.timeout(60):
            await self.client.execute_workflow("delivery", wanted, id=f"delivery/{self.delivery_id}", task_queue=Queue.CONTROL)
        return self.tries


@pytest.fixture
async def outbound(settings: Settings) -> AsyncIterator[Outbound]:
    player = Outbound(await connect(settings))

    @activity.defn(name=DELIVER.name)
    async def deliver(wanted: TryInput) -> Tried:
        if wanted.delivery_id != player.delivery_id:
            return Tried(over=True)
        player.tries.append(wanted)
        return player.answers.pop(0) if player.answers else Tried(over=wanted.wait_s is None)

    @activity.defn(name=SEND_MAIL.name)
    async def send_mail(wanted: MailInput) -> Nothing:
        player.mails.append(wanted.about)
        return Nothing()

    async with (
        Worker(player.client, task_queue=Queue.CONTROL, workflows=[Delivery, Mail]),
        Worker(player.client, task_queue=Queue.OUTBOUND, activities=[deliver, send_mail]),
    ):
        yield player


async def test_ten_tries_are_spaced_as_the_standard_says_with_some_jitter(outbound: Outbound) -> None:
    tries = await outbound.deliver()
    assert [one.number for one in tries] == list(range(1, 11))
    assert SCHEDULE_S == (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
    *waits, last = [one.wait_s for one in tries]
    assert last is None
    for wait_s, said in zip(waits, SCHEDULE_S[1:], strict=True):
        assert wait_s is not None
        assert said <= wait_s <= said * (1 + JITTER)
    assert len({(wait_s or 0) / said for wait_s, said in zip(waits, SCHEDULE_S[1:], strict=True)}) > 1


async def test_a_wait_is_a_timer_of_temporal(outbound: Outbound) -> None:
    outbound.answers = [Tried(wait_s=4321.5)]
    wanted = DeliveryInput(org_id="org_1", delivery_id=outbound.delivery_id)
    handle = await outbound.client.start_workflow("delivery", wanted, id=outbound.delivery_id, task_queue=Queue.CONTROL)
    timers: list[float] = []
    async with asyncio.timeout(60):
        while not timers:
            history = await handle.fetch_history()
            timers = [
                event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta().total_seconds()
                for event in history.events
                if event.HasField("timer_started_event_attributes")
            ]
            await asyncio.sleep(0.05)
    await handle.terminate()
    assert timers == [4321.5]


async def test_what_arrives_is_tried_no_more(outbound: Outbound) -> None:
    outbound.answers = [Tried(), Tried(over=True)]
    assert [one.number for one in await outbound.deliver()] == [1, 2]


async def test_a_full_lane_costs_no_try(outbound: Outbound) -> None:
    outbound.answers = [Tried(counted=False), Tried(counted=False), Tried(over=True)]
    assert [one.number for one in await outbound.deliver()] == [1, 1, 1]


async def test_a_delivery_that_is_started_anew_goes_on_counting(outbound: Outbound) -> None:
    assert [one.number for one in await outbound.deliver(8)] == [9, 10]


async def test_a_mail_is_one_step(outbound: Outbound) -> None:
    wanted = MailInput(org_id="org_1", about="cmp_1")
    await outbound.client.execute_workflow("mail", wanted, id=f"mail/{new_id('cmp')}", task_queue=Queue.CONTROL)
    assert outbound.mails == ["cmp_1"]
