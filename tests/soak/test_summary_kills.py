"""Kill -9 of each part while a summary is paid: it is handed over, charged once, and no step of work begins unpaid."""

import asyncio
import json
import random
import time
from typing import Any

import pytest
import stripe

from cutroom.cli.paying import TestCard, confirm
from cutroom.client import Client
from cutroom.contracts.ids import workflow_id
from tests.soak.rig import CAMPAIGN_S, Rig, until

pytestmark = pytest.mark.soak

PARTS = ("outbound", "control", "api", "postgres", "temporal", "cards", "everything")
MOMENTS = ("opening", "authorised", "capturing")


def kill(rig: Rig, part: str) -> None:
    if part == "everything":
        rig.kill()
        rig.start()
        return
    pid = rig.pid(part)
    rig.kill_part(part)
    until(lambda: rig.healthy_again(part, pid), 120)


def intents_of(rig: Rig, job_id: str) -> list[dict[str, Any]]:
    """Stripe's own record, of either mode."""
    found = []
    for key in (rig.settings.stripe_live_key, rig.settings.stripe_test_key):
        sdk = stripe.StripeClient(key.get_secret_value(), base_addresses={"api": rig.settings.stripe_url})
        listed = sdk.v1.payment_intents.list({"limit": 100, "expand": ["data.latest_charge"]})
        found += [intent.to_dict() for intent in listed.auto_paging_iter()]
    return [intent for intent in found if intent["metadata"].get("job") == job_id]


async def steps_of(rig: Rig, job_id: str) -> list[str]:
    """The steps that its workflow scheduled, in order."""
    handle = (await rig.temporal()).get_workflow_handle(workflow_id("summary", job_id))
    events = [event async for event in handle.fetch_history_events()]
    named = [event.activity_task_scheduled_event_attributes.activity_type.name for event in events]
    return [name for name in named if name and name != "record_event"]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("part", PARTS)
def test_a_summary_is_charged_once_after_a_kill(rig: Rig, client: Client, asset: str, part: str, moment: str) -> None:
    job = client.create_summary(asset)
    if moment == "opening":
        time.sleep(random.uniform(0, 1))
        kill(rig, part)
    confirm(rig.settings.stripe_url, client.payment(job.id), TestCard.VISA)
    if moment == "authorised":
        time.sleep(random.uniform(0, 2))
        kill(rig, part)
    if moment == "capturing":
        until(lambda: client.job(job.id).step == "summarise" or client.job(job.id).ended, CAMPAIGN_S)
        time.sleep(random.uniform(0, 0.5))
        kill(rig, part)
    ended = rig.finished(client, job.id)
    (intent,) = intents_of(rig, job.id)
    print(f"\n{part} killed while {moment}: {ended.status}, {intent['amount_received']} of {job.price['total']} captured")
    assert ended.status == "succeeded", ended
    assert (intent["status"], intent["amount_received"]) == ("succeeded", job.price["total"])
    assert intent["latest_charge"]["amount_refunded"] == 0
    steps = asyncio.run(steps_of(rig, job.id))
    assert set(steps[: steps.index("resolve_summary")]) <= {"open_payment", "look_at_payment"}
    assert not json.loads(rig.command("reconcile", "payments", "--json"))["counts"]
