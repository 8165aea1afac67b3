"""The API as a process: ready when it listens, streams while it runs, gone cleanly on SIGTERM."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from cutroom.contracts.base import JobRef
from cutroom.contracts.jobs import EventInput, JobStatus
from cutroom.local.ports import free_port
from cutroom.settings import Settings
from cutroom.store import jobs
from tests.api.conftest import Tenant

DEADLINE_S = 60


def environment(settings: Settings, port: int, ready: Path) -> dict[str, str]:
    given = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "DATABASE_SYSTEM_URL": settings.database_system_url.get_secret_value(),
        "TEMPORAL_ADDRESS": settings.temporal_address,
        "S3_ENDPOINT": settings.s3_endpoint,
        "S3_PUBLIC_ENDPOINT": settings.s3_public_endpoint,
        "S3_ACCESS_KEY": settings.s3_access_key.get_secret_value(),
        "S3_SECRET_KEY": settings.s3_secret_key.get_secret_value(),
        "S3_BUCKET": settings.s3_bucket,
        "API_PORT": str(port),
        "READY_FILE": str(ready),
    }
    return {"PATH": os.defpath} | {f"CUTROOM_{name}": value for name, value in given.items()}


@asynccontextmanager
async def serving(settings: Settings, port: int, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m api`, once it says that it is ready."""
    ready, root = folder / "ready", Path(__file__).parents[2]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "api", cwd=root, env=environment(settings, port, ready), stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not ready.exists():
                assert process.returncode is None
                await asyncio.sleep(0.05)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_stream_lives_until_sigterm_and_the_process_ends_with_it(
    settings: Settings, tenant: Tenant, tmp_path: Path
) -> None:
    job_id = (await tenant.campaign())["id"]
    job, port = JobRef(org_id=tenant.org_id, job_id=job_id), free_port()
    async with tenant.services.database.transaction(tenant.org_id) as session:
        await jobs.record_event(session, EventInput(job=job, seq=1, kind="status", status=JobStatus.PROCESSING))
    async with (
        serving(settings, port, tmp_path) as process,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=tenant.http.headers, timeout=DEADLINE_S) as http,
        http.stream("GET", f"/v1/jobs/{job_id}/events") as stream,
    ):
        lines = stream.aiter_lines()
        assert await anext(lines) == "event: status"
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(DEADLINE_S):
            assert "id: 1" in [line async for line in lines]
            _, said = await process.communicate()
    assert process.returncode == 0
    assert "Finished server process" in said.decode()
    assert tenant.token not in said.decode()
    assert f'"path": "/v1/jobs/{job_id}/events"' in said.decode()
