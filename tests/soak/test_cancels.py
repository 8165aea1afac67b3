"""Cancels and terminates at random instants over a running stack: what each leaves behind, and how soon it is over.

CUTROOM_SOAK_CANCELS says how many (200); a tenth as many campaigns are terminated. Run with -s to see the figures.
"""

import asyncio
import os
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from temporalio.service import RPCError

from cutroom.client import Client
from tests.soak.rig import WISHES, Rig, until

pytestmark = pytest.mark.soak

CANCELS = int(os.environ.get("CUTROOM_SOAK_CANCELS", "200"))
TERMINATES = max(1, CANCELS // 10)
AT_ONCE = 6
WITHIN_S = 10.0
LONGEST_LIFE_S = 20.0  # about what a campaign takes whose recording was worked on before


@pytest.fixture(scope="module")
def recordings(rig: Rig, asset: str) -> list[str]:
    """Most campaigns work on what is known and are soon at their clips; some have a recording that nobody has heard yet."""
    with rig.client() as client:
        return [asset] * 6 + [client.upload(rig.fresh_recording()).id for _ in range(2)]


def begin(client: Client, recordings: list[str]) -> str:
    """A campaign that has lived for a while; its id."""
    job = client.create_campaign(random.choice(recordings), **WISHES)
    time.sleep(random.uniform(0, LONGEST_LIFE_S))
    return job.id


def test_every_cancel_ends_its_job_within_ten_seconds_and_leaves_nothing(rig: Rig, client: Client, recordings: list[str]) -> None:
    def cancel(number: int) -> tuple[str, str, float]:
        job_id = begin(client, recordings)
        step = client.job(job_id).step or "none"
        began = time.monotonic()
        if number % 2:
            client.cancel(job_id)
        else:
            asyncio.run(cancel_by_temporal(rig, job_id))
        ended = rig.finished(client, job_id)
        return step, ended.status, time.monotonic() - began

    with ThreadPoolExecutor(AT_ONCE) as threads:
        outcomes = list(threads.map(cancel, range(CANCELS)))
    took = sorted(seconds for _, status, seconds in outcomes if status == "canceled")
    assert rig.open_holds() == []
    until(lambda: not rig.left_behind(), WITHIN_S)
    print(f"\n{CANCELS} cancels: {Counter(status for _, status, _ in outcomes)}, at {Counter(step for step, _, _ in outcomes)}")
    print(f"seconds to the end: median {took[len(took) // 2]:.1f}, 95% {took[int(len(took) * 0.95)]:.1f}, most {took[-1]:.1f}")
    assert {status for _, status, _ in outcomes} <= {"canceled", "succeeded"}
    assert took[-1] < WITHIN_S


async def cancel_by_temporal(rig: Rig, job_id: str) -> None:
    """What the button in Temporal's UI does."""
    with suppress(RPCError):  # it has just ended
        await (await rig.handle(job_id)).cancel()


async def terminate(rig: Rig, job_id: str) -> None:
    with suppress(RPCError):
        await (await rig.handle(job_id)).terminate()


def test_one_reconciliation_closes_every_terminated_job_and_leaves_nothing(rig: Rig, client: Client, recordings: list[str]) -> None:
    def end(_: int) -> str:
        job_id = begin(client, recordings)
        asyncio.run(terminate(rig, job_id))
        return job_id

    with ThreadPoolExecutor(AT_ONCE) as threads:
        ended = list(threads.map(end, range(TERMINATES)))
    began = time.monotonic()
    found = rig.command("reconcile", "--json")
    print(f"\n{TERMINATES} terminates: {found.strip()} in {time.monotonic() - began:.1f} s")
    jobs = [client.job(job_id) for job_id in ended]
    assert all(job.status in ("failed", "succeeded") for job in jobs), Counter(job.status for job in jobs)
    assert rig.open_holds() == []
    until(lambda: not rig.left_behind(), WITHIN_S)
