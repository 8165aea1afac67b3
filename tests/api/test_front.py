"""A server's way in: nginx with deploy/nginx/nginx.conf, its ports and upstreams alone replaced, before the API and the store."""

import asyncio
import hashlib
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from pydantic import SecretStr

from cutroom.contracts.jobs import JobStatus
from cutroom.local.leash import leashed
from cutroom.local.ports import free_port
from cutroom.local.s3 import S3
from cutroom.settings import MIB, Settings
from cutroom.store.objects import ObjectStore
from tests.api.conftest import Tenant
from tests.api.test_jobs import record
from tests.api.test_process import environment
from tests.conftest import DatabaseUrls, S3Server, TemporalServer, serving

ROOT = Path(__file__).parents[2]
BUCKET = "cutroom"  # the one that the configuration passes on
DEADLINE_S = 60


@dataclass(frozen=True)
class Front:
    """`api` is the API behind it, asked directly; `settings` are those that the API has."""

    url: str
    operators_url: str
    api: str
    settings: Settings


@dataclass(frozen=True)
class Program:
    """A server that is well once `health` answers."""

    words: list[str]
    health: str

    def prepare(self) -> None: ...

    def command(self) -> list[str]:
        return leashed(self.words)

    def healthy(self) -> bool:
        try:
            return httpx.get(self.health).status_code == 200
        except httpx.TransportError:
            return False

    def finish(self) -> None: ...


@pytest.fixture(scope="module")
def front(
    servers_folder: Path, database_urls: DatabaseUrls, s3_server: S3Server, temporal_server: TemporalServer
) -> Iterator[Front]:
    folder, store = servers_folder / "front", urlsplit(s3_server.endpoint)
    folder.mkdir()
    S3(folder, folder, store.port or 0, s3_server.access_key, s3_server.secret_key, BUCKET).finish()
    port, operators, inner, api = (free_port() for _ in range(4))
    settings = Settings(
        home=folder,
        database_url=SecretStr(database_urls.app),
        database_system_url=SecretStr(database_urls.system),
        temporal_address=temporal_server.address,
        s3_endpoint=s3_server.endpoint,
        s3_public_endpoint=f"http://127.0.0.1:{port}",
        s3_access_key=SecretStr(s3_server.access_key),
        s3_secret_key=SecretStr(s3_server.secret_key),
        s3_bucket=BUCKET,
    )
    replaced = {
        "listen 8000;": f"listen 127.0.0.1:{port};",
        "listen 8233 default_server;": f"listen 127.0.0.1:{operators} default_server;",
        "listen 8233;": f"listen 127.0.0.1:{operators};",
        "listen 127.0.0.1:8001;": f"listen 127.0.0.1:{inner};",
        " api:8000;": f" 127.0.0.1:{api};",
        " s3:7070;": f" {store.netloc};",
        " temporal-ui:8080;": f" 127.0.0.1:{temporal_server.ui_port};",
        " /tmp/": f" {folder}/",
    }
    text = (ROOT / "deploy/nginx/nginx.conf").read_text()
    for old, new in replaced.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "nginx.conf").write_text(text)
    nginx = subprocess.run([ROOT / "scripts/nginx.sh"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    # As root, its workers would be somebody who may not enter every folder.
    words = [nginx, "-e", "stderr", "-c", str(folder / "nginx.conf"), "-g", "daemon off; user root;"]
    behind, before = f"http://127.0.0.1:{api}", f"http://127.0.0.1:{inner}"
    with (
        serving(
            Program([sys.executable, "-m", "api"], f"{behind}/healthz"),
            environment(settings, api, folder / "ready"),
            folder / "api.log",
        ),
        serving(Program(words, before), {}, folder / "nginx.log"),
    ):
        yield Front(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{operators}", behind, settings)


async def test_an_upload_by_parts_and_a_download_pass_through(front: Front, tenant: Tenant, tmp_path: Path) -> None:
    data = b"a" * 10 * MIB
    wanted = [{"number": 1, "sha256": hashlib.sha256(data).hexdigest()}]
    async with (
        httpx.AsyncClient(base_url=front.url, headers=tenant.http.headers, timeout=DEADLINE_S) as http,
        httpx.AsyncClient(timeout=DEADLINE_S) as store,
    ):
        upload = (await http.post("/v1/uploads", json={"filename": "talk.mp4", "size_bytes": len(data) + 1})).json()
        (part,) = (await http.post(f"/v1/uploads/{upload['id']}/parts", json={"parts": wanted})).json()["urls"]
        assert part["url"].startswith(f"{front.url}/{BUCKET}/")
        assert (await store.put(part["url"], content=data, headers=part["headers"])).status_code == 200
        stored = (await http.get(f"/v1/uploads/{upload['id']}")).json()["parts"]
        assert stored == [{"number": 1, "size_bytes": len(data)}]

        objects, key = ObjectStore(front.settings), f"tests/{upload['id']}/a clip, 100% söt+.mp4"
        (tmp_path / "clip").write_bytes(data)
        await objects.put_once(key, tmp_path / "clip", wanted[0]["sha256"], "video/mp4")
        answer = await store.get(await objects.presign_get(key, 60, "clip.mp4"))
        assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''clip.mp4"
        assert answer.content == data


async def test_the_store_is_open_to_nothing_but_signed_uploads_and_downloads(front: Front) -> None:
    async with httpx.AsyncClient(base_url=front.url) as http:
        for method, path in (("GET", f"/{BUCKET}/"), ("GET", f"/{BUCKET}/key"), ("PUT", f"/{BUCKET}/key")):
            answer = await http.request(method, path)
            assert (answer.status_code, "AccessDenied" in answer.text) == (403, True)
        for method in ("DELETE", "POST"):
            answer = await http.request(method, f"/{BUCKET}/key")
            assert (answer.status_code, "nginx" in answer.text) == (403, True)


async def test_metrics_and_long_bodies_stop_at_the_front(front: Front) -> None:
    async with httpx.AsyncClient() as http:
        assert (await http.get(f"{front.api}/metrics")).status_code == 200
        assert (await http.get(f"{front.url}/metrics")).status_code == 404
        assert (await http.get(f"{front.url}/healthz")).json() == {"status": "ok"}
        assert (await http.post(f"{front.url}/v1/uploads", content=b" " * (MIB + 1))).status_code == 413


async def test_events_arrive_one_by_one(front: Front, tenant: Tenant) -> None:
    job_id = (await tenant.campaign())["id"]
    async with (
        asyncio.timeout(DEADLINE_S),
        httpx.AsyncClient(base_url=front.url, headers=tenant.http.headers, timeout=DEADLINE_S) as http,
        http.stream("GET", f"/v1/jobs/{job_id}/events") as stream,
    ):
        lines = stream.aiter_lines()
        for seq in (1, 2, 3):  # the next one happens only when this one has arrived
            status = JobStatus.SUCCEEDED if seq == 3 else JobStatus.PROCESSING
            await record(tenant, job_id, seq, "status", status)
            assert f"id: {seq}" in [line async for line in _until(lines, f"id: {seq}")]


async def _until(lines: AsyncIterator[str], last: str) -> AsyncIterator[str]:
    async for line in lines:
        yield line
        if line == last:
            return


async def test_the_operators_port_shows_temporal(front: Front) -> None:
    async with httpx.AsyncClient(base_url=front.operators_url, follow_redirects=True) as http:
        assert (await http.get("/")).headers["content-type"].startswith("text/html")
        assert (await http.get("/api/v1/namespaces/default")).json()["namespaceInfo"]["name"] == "default"


async def test_the_operators_port_answers_no_host_whose_name_somebody_else_made_point_here(front: Front) -> None:
    async with httpx.AsyncClient(base_url=front.operators_url) as http:
        for host in ("evil.example", "evil.example:8233", "127.0.0.1.evil.example"):
            assert (await http.get("/api/v1/namespaces", headers={"Host": host})).status_code == 421
        for host in ("localhost:8233", "127.0.0.1", "[::1]:8233"):
            assert (await http.get("/api/v1/namespaces", headers={"Host": host})).status_code == 200
