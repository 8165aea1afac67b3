"""What Cutroom needs of a Temporal namespace: that it exists, its search attributes, and how long it keeps what has ended.

Temporal Cloud changes namespaces through an API of its own and refuses these calls, as a guarded cluster may: then the command
that does it by hand is said instead.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    GetSystemInfoRequest,
    RegisterNamespaceRequest,
    UpdateNamespaceRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from cutroom.errors import SetupError, Unreachable
from cutroom.temporal.engine import CALL_LIMIT, JOB_KIND, JOB_STATUS, ORG_ID, asking

RETENTION = timedelta(days=30)
ATTRIBUTES = (ORG_ID.name, JOB_KIND.name, JOB_STATUS.name)
KEYWORD = "Keyword"

_REFUSED = (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.UNIMPLEMENTED)
_CLOUD = (".tmprl.cloud", ".api.temporal.io")
_SETTLES_WITHIN_S = 30.0


@dataclass(frozen=True)
class Namespace:
    """`attributes`: those that can be searched by, name -> type; a type that the server does not tell is empty."""

    retention: timedelta
    attributes: Mapping[str, str]


@dataclass(frozen=True)
class Lack:
    """One thing that is not as needed. `says` it, `act`: what is done about it, `command`: what does it by hand."""

    kind: Literal["namespace", "retention", "attributes", "type"]
    says: str
    act: str
    command: str
    attributes: tuple[str, ...] = ()


async def server_version(client: Client) -> str:
    """Of the Temporal server, such as 1.29.1. Raises Unreachable."""
    with asking("namespace"):
        return (await client.workflow_service.get_system_info(GetSystemInfoRequest(), timeout=CALL_LIMIT)).server_version


async def read_namespace(client: Client) -> Namespace | None:
    """The client's namespace; None: there is none.

    Raises Unreachable, and SetupError (`temporal_refused`) where we may not even look.
    """
    with asking("namespace"):
        try:
            found = await client.workflow_service.describe_namespace(
                DescribeNamespaceRequest(namespace=client.namespace), timeout=CALL_LIMIT
            )
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return None
            if error.status in _REFUSED:
                raise SetupError(
                    "Temporal refuses our key or certificate for this namespace: correct CUTROOM_TEMPORAL_NAMESPACE,"
                    " CUTROOM_TEMPORAL_API_KEY or CUTROOM_TEMPORAL_TLS_CERT_FILE.",
                    code="temporal_refused",
                ) from error
            raise
        return Namespace(found.config.workflow_execution_retention_ttl.ToTimedelta(), await _attributes(client))


def lacks(name: str, found: Namespace | None, address: str) -> list[Lack]:
    """What the namespace `name` lacks, and the commands that mend it at `address`."""
    commands = _Commands(name, address)
    if found is None:
        return [Lack("namespace", f"there is no namespace {name}", f"created the namespace {name}", commands.create())]
    result = []
    if found.retention < RETENTION:
        kept = found.retention / timedelta(days=1)
        says = f"the namespace forgets what has ended after {kept:g} days, not {RETENTION.days}"
        result.append(Lack("retention", says, f"set the retention to {RETENTION.days} days", commands.retain()))
    if missing := tuple(name for name in ATTRIBUTES if name not in found.attributes):
        names = ", ".join(missing)
        act = f"added the search attributes {names}"
        result.append(Lack("attributes", f"the namespace has no search attributes {names}", act, commands.add(missing), missing))
    for attribute in ATTRIBUTES:
        if (type := found.attributes.get(attribute)) not in (None, "", KEYWORD):
            says = f"the search attribute {attribute} is of type {type}, not {KEYWORD}; give Cutroom a namespace of its own"
            result.append(Lack("type", says, "", commands.drop(attribute)))
    return result


async def mend_namespace(client: Client, address: str) -> tuple[list[Lack], list[Lack]]:
    """Bring the client's namespace, at `address`, to what is needed; answers what was mended, and what is left to do by hand.

    Waits until the server really uses what was added. Raises Unreachable, SetupError (`temporal_refused`).
    """
    mended: list[Lack] = []
    found = await read_namespace(client)
    if found is None:
        (lack,) = lacks(client.namespace, None, address)
        if not await _mend(client, lack):
            return [], [lack]
        mended.append(lack)
        await _settled(client, "")
        found = await read_namespace(client)
    left: list[Lack] = []
    for lack in lacks(client.namespace, found, address):
        (mended if await _mend(client, lack) else left).append(lack)
        if lack.attributes and lack in mended:
            await _settled(client, " and ".join(_search(name) for name in lack.attributes))
    return mended, left


@dataclass(frozen=True)
class _Commands:
    """The command lines for one namespace: those of `tcld` on Temporal Cloud, else those of `temporal`."""

    namespace: str
    address: str

    @property
    def cloud(self) -> bool:
        return self.address.partition(":")[0].endswith(_CLOUD)

    def create(self) -> str:
        if self.cloud:
            options = f"--region REGION --retention-days {RETENTION.days} --auth-method api_key"
            return f"tcld namespace create --namespace {self.namespace} {options}"
        return self._temporal("namespace create", f"--retention {RETENTION.days}d")

    def retain(self) -> str:
        if self.cloud:
            return f"tcld namespace retention set --namespace {self.namespace} --retention-days {RETENTION.days}"
        return self._temporal("namespace update", f"--retention {RETENTION.days}d")

    def add(self, names: tuple[str, ...]) -> str:
        if self.cloud:
            attributes = " ".join(f"--search-attribute {name}={KEYWORD}" for name in names)
            return f"tcld namespace search-attributes add --namespace {self.namespace} {attributes}"
        return self._temporal("search-attribute create", *(f"--name {name} --type {KEYWORD}" for name in names))

    def drop(self, name: str) -> str:
        """Others may use it: never done by us."""
        if self.cloud:
            return f"tcld namespace search-attributes rename --namespace {self.namespace} --existing-name {name} --new-name NAME"
        return self._temporal("search-attribute remove", f"--name {name}")

    def _temporal(self, action: str, *options: str) -> str:
        return " ".join(("temporal operator", action, "--address", self.address, "--namespace", self.namespace, *options))


async def _attributes(client: Client) -> Mapping[str, str]:
    try:
        listed = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace), timeout=CALL_LIMIT
        )
    except RPCError as error:
        if error.status not in _REFUSED:
            raise
        return {name: "" for name in ATTRIBUTES if await _answers(client, _search(name))}
    prefix = "INDEXED_VALUE_TYPE_"
    return {name: IndexedValueType.Name(type).removeprefix(prefix).capitalize() for name, type in listed.custom_attributes.items()}


async def _mend(client: Client, lack: Lack) -> bool:
    """Whether it could be done from here."""
    if lack.kind == "type":
        return False
    kept = Duration()
    kept.FromTimedelta(RETENTION)
    name = client.namespace
    with asking("namespace"):
        try:
            if lack.kind == "namespace":
                registration = RegisterNamespaceRequest(namespace=name, workflow_execution_retention_period=kept)
                await client.workflow_service.register_namespace(registration, timeout=CALL_LIMIT)
            elif lack.kind == "retention":
                config = NamespaceConfig(workflow_execution_retention_ttl=kept)
                await client.workflow_service.update_namespace(
                    UpdateNamespaceRequest(namespace=name, config=config), timeout=CALL_LIMIT
                )
            else:
                keywords = {attribute: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD for attribute in lack.attributes}
                addition = AddSearchAttributesRequest(namespace=name, search_attributes=keywords)
                await client.operator_service.add_search_attributes(addition, timeout=CALL_LIMIT)
        except RPCError as error:
            if error.status in _REFUSED:
                return False
            if error.status != RPCStatusCode.ALREADY_EXISTS:  # somebody else was quicker
                raise
    return True


def _search(attribute: str) -> str:
    return f"{attribute} = '-'"


async def _settled(client: Client, query: str) -> None:
    """Until a query is taken: the server's parts learn of a new namespace or attribute within seconds, each by itself."""
    try:
        async with asyncio.timeout(_SETTLES_WITHIN_S):
            while True:
                with asking("namespace"):
                    if await _answers(client, query):
                        return
                await asyncio.sleep(0.2)
    except TimeoutError as error:
        detail = "Temporal does not yet know of what was added to the namespace; try again in a minute."
        raise Unreachable(detail, code="temporal_unavailable") from error


async def _answers(client: Client, query: str) -> bool:
    """Whether the namespace is known and `query` names search attributes that it has."""
    try:
        await client.count_workflows(query, rpc_timeout=CALL_LIMIT)
    except RPCError as error:
        if error.status not in (RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT):
            raise
        return False
    return True
