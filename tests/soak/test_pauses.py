"""Storms of pause and resume over a running stack. CUTROOM_SOAK_PAUSES says over how many campaigns (30)."""

import os
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import pytest

from cutroom.client import Client, Job
from cutroom.errors import Conflict
from tests.soak.rig import CAMPAIGN_S, WISHES, Rig, until

pytestmark = pytest.mark.soak

CAMPAIGNS = int(os.environ.get("CUTROOM_SOAK_PAUSES", "30"))
AT_ONCE = 3
SIGNALS = 6
APART_S = 1.5


def test_campaigns_survive_a_storm_of_pauses(rig: Rig, client: Client, asset: str) -> None:
    def storm(_: int) -> str:
        job_id = client.create_campaign(asset, **WISHES).id
        with suppress(Conflict):  # it ended before the storm did
            for _ in range(SIGNALS):
                random.choice((client.pause, client.resume))(job_id)
                time.sleep(random.uniform(0, APART_S))
            client.resume(job_id)
        return rig.finished(client, job_id).status

    with ThreadPoolExecutor(AT_ONCE) as threads:
        statuses = Counter(threads.map(storm, range(CAMPAIGNS)))
    print(f"\n{CAMPAIGNS} campaigns, {SIGNALS} signals each: {statuses}")
    assert statuses == {"succeeded": CAMPAIGNS}
    assert rig.open_holds() == []


def test_no_step_begins_while_a_campaign_is_paused(rig: Rig, client: Client, asset: str) -> None:
    for _ in range(3):
        job_id = client.create_campaign(asset, **WISHES).id
        time.sleep(random.uniform(0, 6))
        client.pause(job_id)
        if until(partial(held_back, client, job_id), CAMPAIGN_S, 0.1).ended:
            continue
        before = begun(rig, job_id)
        time.sleep(3)
        assert client.job(job_id).status == "paused"
        assert begun(rig, job_id) == before
        client.resume(job_id)
        assert rig.finished(client, job_id).status == "succeeded"


def held_back(client: Client, job_id: str) -> Job | None:
    """The job once it waits, or has ended before it could."""
    job = client.job(job_id)
    return job if job.status == "paused" or job.ended else None


def begun(rig: Rig, job_id: str) -> int:
    """Steps of the job that began to make something, events aside."""
    return sum(line.get("job_id") == job_id for line in rig.lines("making"))
