"""TLS towards Temporal, through a terminator that asks for client certificates, as Temporal Cloud's mTLS endpoints do."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
import trustme
from pydantic import SecretStr
from temporalio import workflow
from temporalio.worker import Worker

from cutroom.errors import SetupError, Unreachable
from cutroom.settings import Settings
from cutroom.temporal.connection import connect
from cutroom.temporal.tls import tls_config
from tests.conftest import TemporalServer
from tests.relay import forward

NAME = "temporal.example.org"


@workflow.defn(name="greeting", sandboxed=False)
class Greeting:
    @workflow.run
    async def run(self, name: str) -> str:
        return f"Hello, {name}"


@dataclass(frozen=True)
class Terminator:
    """Takes TLS from who shows a certificate of `authority`, and talks plainly to the server behind."""

    address: str
    authority: trustme.CA
    folder: Path

    def settings(self, **changes: str) -> Settings:
        """What reaches it, less `changes`."""
        certificate, key = self.issue(self.authority, "client")
        good = {"server_name": NAME, "ca_file": self.file(self.authority), "cert_file": certificate, "key_file": key}
        return Settings(
            temporal_address=self.address, **{f"temporal_tls_{name}": value for name, value in {**good, **changes}.items()}
        )

    def file(self, authority: trustme.CA) -> str:
        path = self.folder / f"{id(authority)}.pem"
        authority.cert_pem.write_to_path(str(path))
        return str(path)

    def issue(self, authority: trustme.CA, name: str) -> tuple[str, str]:
        made = authority.issue_cert(f"{name}@example.org")
        certificate, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        made.cert_chain_pems[0].write_to_path(str(certificate))
        made.private_key_pem.write_to_path(str(key))
        return str(certificate), str(key)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
async def terminator(authority: trustme.CA, temporal_server: TemporalServer, tmp_path: Path) -> AsyncIterator[Terminator]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["h2"])
    authority.configure_trust(context)
    authority.issue_cert(NAME).configure_cert(context)
    host, _, port = temporal_server.address.rpartition(":")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_connection(host, int(port))
        await asyncio.gather(forward(reader, behind_writer), forward(behind_reader, writer))

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        yield Terminator(f"127.0.0.1:{server.sockets[0].getsockname()[1]}", authority, tmp_path)


async def test_a_workflow_runs_over_mutual_tls(terminator: Terminator) -> None:
    client = await connect(terminator.settings())
    queue = uuid4().hex
    async with Worker(client, task_queue=queue, workflows=[Greeting]):
        assert await client.execute_workflow("greeting", "you", id=queue, task_queue=queue, result_type=str) == "Hello, you"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ca_file": "foreign"}, "CUTROOM_TEMPORAL_TLS_CA_FILE"),
        ({"ca_file": ""}, "CUTROOM_TEMPORAL_TLS_CA_FILE"),
        ({"server_name": "elsewhere.example.org"}, "CUTROOM_TEMPORAL_TLS_SERVER_NAME"),
        ({"cert_file": "", "key_file": ""}, "which client certificate"),
        ({"cert_file": "foreign", "key_file": "foreign"}, "which client certificate"),
    ],
    ids=["foreign authority", "system's authorities", "other name", "no certificate", "foreign certificate"],
)
async def test_a_refused_handshake_says_which_setting_to_look_at(
    terminator: Terminator, changes: dict[str, str], said: str
) -> None:
    foreign = trustme.CA()
    certificate, key = terminator.issue(foreign, "foreign")
    files = {"ca_file": terminator.file(foreign), "cert_file": certificate, "key_file": key}
    changed = {name: files[name] if value == "foreign" else value for name, value in changes.items()}
    with pytest.raises(Unreachable, match=said) as caught:
        await connect(terminator.settings(**changed))
    assert caught.value.code == "temporal_unavailable"


async def test_tls_against_a_server_without_it_is_named(temporal_server: TemporalServer) -> None:
    with pytest.raises(Unreachable, match="speaks without TLS"):
        await connect(Settings(temporal_address=temporal_server.address, temporal_tls=True))


async def test_a_server_that_takes_the_connection_and_is_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cutroom.temporal.connection.CONNECT_LIMIT_S", 0.5)
    waiting = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await waiting.wait()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        began = time.monotonic()
        with pytest.raises(Unreachable):
            await connect(Settings(temporal_address=f"127.0.0.1:{server.sockets[0].getsockname()[1]}", temporal_tls=True))
        assert time.monotonic() - began < 5
        waiting.set()


async def test_files_that_cannot_be_used_are_named_by_their_setting(terminator: Terminator, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("no certificate")
    _, other_key = terminator.issue(terminator.authority, "other")
    for changes, said in [
        ({"ca_file": str(tmp_path / "nowhere")}, "CUTROOM_TEMPORAL_TLS_CA_FILE names cannot be read"),
        ({"ca_file": str(text)}, "CUTROOM_TEMPORAL_TLS_CA_FILE holds no certificate"),
        ({"cert_file": ""}, "set CUTROOM_TEMPORAL_TLS_CERT_FILE too"),
        ({"key_file": ""}, "set CUTROOM_TEMPORAL_TLS_KEY_FILE too"),
        ({"key_file": other_key}, "not a certificate and its key"),
    ]:
        with pytest.raises(SetupError, match=said) as caught:
            await connect(terminator.settings(**changes))
        assert caught.value.code == "temporal_tls_misconfigured"


def test_without_settings_there_is_no_tls_and_an_api_key_implies_it() -> None:
    assert tls_config(Settings()) is False
    assert tls_config(Settings(temporal_tls=True)) is not False
    assert tls_config(Settings(temporal_api_key=SecretStr("key"))) is not False
