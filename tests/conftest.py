"""Real, throw-away servers for the tests: PostgreSQL, Temporal and the S3 gateway, each on a free port of loopback.

A server starts when the first test asks for it and dies with the test process, however that goes. Each test module gets a
database of its own, copied from one that the real migrations made, and a namespace of its own in Temporal.
"""

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest
import soundfile
from pydantic import SecretStr
from rich.console import Console
from temporalio.client import Client

from cutroom.local import temporal as temporal_module
from cutroom.local.cards.server import CardServer
from cutroom.local.home import Secrets
from cutroom.local.ports import free_port
from cutroom.local.postgres import Postgres
from cutroom.local.s3 import S3
from cutroom.local.sample_speech import RATE, speak_talk
from cutroom.local.temporal import Temporal
from cutroom.local.tools import TEMPORAL, VERSITYGW, ensure
from cutroom.media.ffmpeg import locate
from cutroom.settings import Settings
from cutroom.store.database import Database
from cutroom.store.migrate import upgrade
from cutroom.temporal.namespace import mend_namespace

_START_TIMEOUT_S = 60.0
_TEMPLATE = "cutroom"
_TALK_S = 14
_databases = count(1)
_namespaces = count(1)


@dataclass(frozen=True)
class DatabaseUrls:
    """postgresql:// URLs of one database, one for each role."""

    app: str
    system: str
    owner: str


@dataclass(frozen=True)
class S3Server:
    endpoint: str
    access_key: str
    secret_key: str
    bucket: str


@dataclass(frozen=True)
class TemporalServer:
    address: str
    ui_port: int


class Server(Protocol):
    """What the parts of the embedded stack have in common."""

    def prepare(self) -> None: ...
    def command(self) -> list[str]: ...
    def healthy(self) -> bool: ...
    def finish(self) -> None: ...


@contextmanager
def serving(server: Server, environment: Mapping[str, str], log: Path) -> Iterator[None]:
    """Runs `server` while the body runs."""
    server.prepare()
    with log.open("ab") as stream:
        process = subprocess.Popen(server.command(), env=environment, cwd="/", stdout=stream, stderr=stream, start_new_session=True)
        try:
            deadline = time.monotonic() + _START_TIMEOUT_S
            while not server.healthy():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"a server did not start: {log.read_text()[-2000:]}")
                time.sleep(0.05)
            server.finish()
            yield
        finally:
            process.terminate()
            process.wait()


@pytest.fixture(scope="session")
def servers_folder() -> Iterator[Path]:
    """A folder for the servers' state that PostgreSQL's account can reach too (pytest's own temporary folders are private)."""
    folder = Path(tempfile.mkdtemp(prefix="cutroom-tests-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_server(servers_folder: Path) -> Iterator[Postgres]:
    """PostgreSQL with the migrated database `cutroom`, which the modules' databases are copied from."""
    server = Postgres(servers_folder / "postgres", free_port(), Secrets(), options=("fsync=off", "full_page_writes=off"))
    with serving(server, {"PATH": os.defpath}, servers_folder / "postgres.log"):
        upgrade(server.url("owner"))
        yield server


@pytest.fixture(scope="module")
def database_urls(postgres_server: Postgres) -> Iterator[DatabaseUrls]:
    """A fresh, migrated database for this test module."""
    name = f"test_{next(_databases)}"
    with psycopg.connect(postgres_server.url("superuser", "postgres"), autocommit=True) as connection:
        connection.execute(f"create database {name} template {_TEMPLATE} owner cutroom_owner")
        yield DatabaseUrls(*(postgres_server.url(role, name) for role in ("app", "system", "owner")))
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture(scope="session")
def s3_server(servers_folder: Path) -> Iterator[S3Server]:
    """The S3 gateway with one bucket. Tests tell their objects apart by keys."""
    secrets = Secrets()
    binary = ensure(VERSITYGW, Console(stderr=True))
    server = S3(binary, servers_folder / "s3", free_port(), secrets.s3_access_key, secrets.s3_secret_key, "cutroom-tests")
    with serving(server, server.environment(), servers_folder / "s3.log"):
        yield S3Server(server.endpoint, server.access_key, server.secret_key, server.bucket)


@pytest.fixture(scope="session")
def temporal_server(servers_folder: Path) -> Iterator[TemporalServer]:
    """Temporal's development server with our search attributes."""
    server = Temporal(ensure(TEMPORAL, Console(stderr=True)), servers_folder / "temporal", free_port(), free_port())
    with serving(server, temporal_module.environment(), servers_folder / "temporal.log"):
        yield TemporalServer(server.address, server.ui_port)


@pytest.fixture(scope="module")
def temporal_namespace(temporal_server: TemporalServer) -> str:
    """A fresh namespace for this test module: its workers find nothing there that others left undone."""
    name = f"module-{next(_namespaces)}"

    async def make() -> None:
        client = await Client.connect(temporal_server.address, namespace=name)
        await mend_namespace(client, temporal_server.address)

    asyncio.run(make())
    return name


@pytest.fixture(scope="session")
def card_server(servers_folder: Path) -> Iterator[CardServer]:
    """The stand-in for Stripe. Its events go to a port where the tests that care put a receiver."""
    server = CardServer(servers_folder / "cards", free_port(), free_port(), "stand_in_live_1", "stand_in_test_1", "whsec_tests")
    with serving(server, {**os.environ, **server.environment()}, servers_folder / "cards.log"):
        yield server


def card_settings(server: CardServer) -> dict[str, Any]:
    """What `Settings` say of a stand-in."""
    return {
        "stripe_url": server.url,
        "stripe_live_key": SecretStr(server.live_key),
        "stripe_test_key": SecretStr(server.test_key),
        "stripe_webhook_secrets": SecretStr(server.hook_secret),
    }


@pytest.fixture(scope="session")
def recording(servers_folder: Path) -> Path:
    """Some seconds of a synthetic voice over a moving picture."""
    sound, video = servers_folder / "voice.wav", servers_folder / "voice.mp4"
    soundfile.write(sound, speak_talk(30, 1).sound[: _TALK_S * RATE], RATE)
    picture = ["-f", "lavfi", "-i", f"testsrc2=size=640x360:rate=25:duration={_TALK_S}"]
    encode = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    subprocess.run([str(locate()), "-v", "error", *picture, "-i", str(sound), *encode, "-shortest", str(video)], check=True)
    return video


@pytest.fixture
def settings(
    tmp_path: Path, database_urls: DatabaseUrls, s3_server: S3Server, temporal_server: TemporalServer, temporal_namespace: str
) -> Settings:
    """Settings that point at the test servers, with a home of their own."""
    return Settings(
        home=tmp_path / "home",
        database_url=SecretStr(database_urls.app),
        database_system_url=SecretStr(database_urls.system),
        database_owner_url=SecretStr(database_urls.owner),
        temporal_address=temporal_server.address,
        temporal_namespace=temporal_namespace,
        temporal_ui_port=temporal_server.ui_port,
        s3_endpoint=s3_server.endpoint,
        s3_access_key=SecretStr(s3_server.access_key),
        s3_secret_key=SecretStr(s3_server.secret_key),
        s3_bucket=s3_server.bucket,
    )


@pytest.fixture
async def system(database_urls: DatabaseUrls) -> AsyncIterator[Database]:
    """The database as the system role sees it."""
    database = Database(database_urls.system)
    yield database
    await database.close()
