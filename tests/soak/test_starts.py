"""Between a commit and the start of its workflow: what is asked for begins once, whoever dies in between."""

import asyncio
import subprocess
import sys
from collections import Counter
from uuid import uuid4

import httpx
import pytest
from temporalio.client import WorkflowExecutionStatus

from cutroom.client import Client
from cutroom.local.home import Home
from cutroom.local.ports import free_port
from cutroom.local.stack import environment
from tests.soak.rig import START_S, WISHES, Rig

pytestmark = pytest.mark.soak

POSTS = 50


def test_the_sweeper_starts_what_an_api_committed_and_could_not_start(rig: Rig, client: Client, asset: str) -> None:
    port = free_port()
    given = environment("api", rig.settings, Home(rig.home.path))
    given |= {"CUTROOM_API_PORT": str(port), "CUTROOM_TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}"}
    given["CUTROOM_READY_FILE"] = str(rig.home.path / "run" / "second-api.ready")
    second = subprocess.Popen([sys.executable, "-m", "api"], env=given, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with Client(f"http://127.0.0.1:{port}", rig.home.token_file.read_text().strip(), patience_s=START_S) as blind:
            job = blind.create_campaign(asset, **WISHES)
            assert job.status == "queued"
    finally:
        second.kill()
        second.wait()
    assert rig.finished(client, job.id).status == "succeeded"
    assert rig.settles(client, job.id) == 1


def test_fifty_equal_posts_with_one_key_are_one_job_one_hold_and_one_workflow(rig: Rig, client: Client, asset: str) -> None:
    token, key, tag = rig.home.token_file.read_text().strip(), uuid4().hex, uuid4().hex
    body = {"asset_id": asset, "clips": WISHES, "external_id": tag}
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    held = client.balance().held

    async def post_all() -> list[httpx.Response]:
        url = f"http://127.0.0.1:{rig.settings.api_port}/v1/campaigns"
        async with httpx.AsyncClient(timeout=60) as http:
            return await asyncio.gather(*(http.post(url, json=body, headers=headers) for _ in range(POSTS)))

    answers = asyncio.run(post_all())
    assert Counter(answer.status_code for answer in answers) == {202: POSTS}
    (job_id,) = {answer.json()["id"] for answer in answers}
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == POSTS - 1
    assert client.balance().held - held == answers[0].json()["price"]["total"]
    assert sum(entry.operation_id == job_id and entry.phase == "hold" for entry in client.entries()) == 1
    assert asyncio.run(runs_of(rig, job_id)) == 1
    assert rig.finished(client, job_id).status == "succeeded"


async def runs_of(rig: Rig, job_id: str) -> int:
    """How many runs of the campaign's workflow Temporal knows."""
    query = f'WorkflowId = "campaign/{job_id}"'
    temporal = await rig.temporal()
    runs = [run async for run in temporal.list_workflows(query)]
    return len([run for run in runs if run.status is not WorkflowExecutionStatus.TERMINATED])
