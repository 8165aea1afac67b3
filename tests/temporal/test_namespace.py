"""A namespace is brought to what Cutroom needs, or it is said by which command somebody else does it."""

import asyncio
import shlex
import subprocess
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.message import Message
from rich.console import Console
from temporalio.api.workflowservice.v1 import UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode, ServiceClient

from cutroom.errors import SetupError
from cutroom.local import temporal as temporal_module
from cutroom.local.tools import TEMPORAL, ensure
from cutroom.settings import Settings
from cutroom.temporal.engine import Engine
from cutroom.temporal.namespace import ATTRIBUTES, RETENTION, Namespace, lacks, mend_namespace, read_namespace
from tests.conftest import TemporalServer

CLOUD = "eu-central-1.aws.api.temporal.io:7233"
ALL = dict.fromkeys(ATTRIBUTES, "Keyword")


class Guarded(ServiceClient):
    """Temporal Cloud's way with these calls: what changes a namespace, or lists its attributes, is refused."""

    def __init__(self, behind: ServiceClient, refused: tuple[str, ...]) -> None:
        super().__init__(behind.config)
        self._behind = behind
        self._refused = refused

    async def _rpc_call(self, rpc: str, req: Message, resp_type: type[Any], **options: Any) -> Any:
        if rpc in self._refused:
            raise RPCError("Request unauthorized.", RPCStatusCode.PERMISSION_DENIED, b"")
        return await self._behind._rpc_call(rpc, req, resp_type, **options)

    @property
    def worker_service_client(self) -> Any:
        return self._behind.worker_service_client

    def update_rpc_metadata(self, metadata: Mapping[str, str | bytes]) -> None:
        self._behind.update_rpc_metadata(metadata)

    def update_api_key(self, api_key: str | None) -> None:
        self._behind.update_api_key(api_key)


CHANGES = ("register_namespace", "update_namespace", "add_search_attributes", "list_search_attributes")


def guarded(client: Client, *refused: str) -> Client:
    return Client(Guarded(client.service_client, refused), namespace=client.namespace)


async def test_a_namespace_that_is_not_there_is_made_and_taken_at_once(nowhere: Client, temporal_server: TemporalServer) -> None:
    assert await read_namespace(nowhere) is None
    mended, left = await mend_namespace(nowhere, temporal_server.address)
    assert [lack.kind for lack in mended] == ["namespace", "attributes"]
    assert left == []
    assert await read_namespace(nowhere) == Namespace(RETENTION, ALL)
    await Engine(Settings(), nowhere).start("campaign", "cmp_1", "org_1", {})
    assert await mend_namespace(nowhere, temporal_server.address) == ([], [])


async def test_a_short_retention_is_lengthened_and_a_longer_one_left(somewhere: Client, temporal_server: TemporalServer) -> None:
    for days, mended_to in ((1, 30), (90, 90)):
        change = UpdateNamespaceRequest(namespace=somewhere.namespace)
        change.config.workflow_execution_retention_ttl.FromTimedelta(timedelta(days=days))
        await somewhere.workflow_service.update_namespace(change)
        await mend_namespace(somewhere, temporal_server.address)
        found = await read_namespace(somewhere)
        assert found is not None
        assert found.retention == timedelta(days=mended_to)


async def test_an_attribute_of_another_type_is_said_and_not_touched(somewhere: Client, temporal_server: TemporalServer) -> None:
    remove, create = (
        f"temporal operator search-attribute {action} --address {temporal_server.address} --namespace {somewhere.namespace}"
        for action in ("remove --yes", "create --type Int")
    )
    run(f"{remove} --name JobKind")
    run(f"{create} --name JobKind")
    mended, left = await mend_namespace(somewhere, temporal_server.address)
    assert mended == []
    assert [lack.kind for lack in left] == ["type"]
    assert "JobKind is of type Int, not Keyword" in left[0].says


async def test_two_at_once_do_no_harm(nowhere: Client, temporal_server: TemporalServer) -> None:
    both = await asyncio.gather(*(mend_namespace(nowhere, temporal_server.address) for _ in range(2)))
    assert all(left == [] for _, left in both)
    assert lacks(nowhere.namespace, await read_namespace(nowhere), temporal_server.address) == []


async def test_where_the_calls_are_refused_the_commands_said_do_it(nowhere: Client, temporal_server: TemporalServer) -> None:
    client = guarded(nowhere, *CHANGES)
    for kind in ("namespace", "attributes"):
        mended, left = await mend_namespace(client, temporal_server.address)
        assert (mended, [lack.kind for lack in left]) == ([], [kind])
        run(left[0].command)
        await known(nowhere, "OrgId = '-'" if kind == "attributes" else "")
    assert await mend_namespace(client, temporal_server.address) == ([], [])


async def test_the_command_said_for_a_short_retention_lengthens_it(somewhere: Client, temporal_server: TemporalServer) -> None:
    (lack,) = lacks(somewhere.namespace, Namespace(timedelta(days=1), ALL), temporal_server.address)
    change = UpdateNamespaceRequest(namespace=somewhere.namespace)
    change.config.workflow_execution_retention_ttl.FromTimedelta(timedelta(days=1))
    await somewhere.workflow_service.update_namespace(change)
    run(lack.command)
    assert await read_namespace(somewhere) == Namespace(RETENTION, ALL)


async def test_a_namespace_that_we_may_not_look_at_is_no_missing_one(somewhere: Client) -> None:
    with pytest.raises(SetupError) as caught:
        await read_namespace(guarded(somewhere, "describe_namespace"))
    assert caught.value.code == "temporal_refused"


def test_on_temporal_cloud_its_own_command_is_said() -> None:
    for address in (CLOUD, "video.a1b2c.tmprl.cloud:7233"):
        short = lacks("video.a1b2c", Namespace(timedelta(days=7), {"OrgId": ""}), address)
        assert [lack.command for lack in short] == [
            "tcld namespace retention set --namespace video.a1b2c --retention-days 30",
            "tcld namespace search-attributes add --namespace video.a1b2c"
            " --search-attribute JobKind=Keyword --search-attribute JobStatus=Keyword",
        ]
        (missing,) = lacks("video.a1b2c", None, address)
        assert missing.command.startswith("tcld namespace create --namespace video.a1b2c ")


def run(command: str) -> None:
    """The command line that we tell people to paste, with the CLI that we have."""
    program, *arguments = shlex.split(command)
    assert program == "temporal"
    binary = ensure(TEMPORAL, Console(stderr=True))
    done = subprocess.run([str(binary), *arguments], env=temporal_module.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


async def known(client: Client, query: str) -> None:
    """Until the server takes a query."""
    async with asyncio.timeout(30):
        while True:
            try:
                await client.count_workflows(query)
            except RPCError:
                await asyncio.sleep(0.1)
            else:
                return
