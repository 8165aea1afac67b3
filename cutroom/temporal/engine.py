"""Starting, signalling and looking at workflows by name. The API uses this and never imports a workflow."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeVar

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import (
    Priority,
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from cutroom.contracts.base import Frozen
from cutroom.contracts.ids import workflow_id
from cutroom.contracts.steps import Queue
from cutroom.errors import Unreachable
from cutroom.settings import Settings
from cutroom.telemetry.calls import measured
from cutroom.temporal.connection import connect

T = TypeVar("T")

# Our own housekeeping goes before everybody's jobs.
OURS = Priority(priority_key=1, fairness_key="cutroom")

CALL_LIMIT = timedelta(seconds=5)
ORG_ID = SearchAttributeKey.for_keyword("OrgId")
JOB_KIND = SearchAttributeKey.for_keyword("JobKind")
JOB_STATUS = SearchAttributeKey.for_keyword("JobStatus")


class RunState(StrEnum):
    """What Temporal knows of a workflow id's newest run."""

    RUNNING = "running"
    ENDED = "ended"  # completed, failed or canceled: it closed itself
    TERMINATED = "terminated"  # terminated or timed out: no code of ours ran at its end
    UNKNOWN = "unknown"  # Temporal never heard of it, or has forgotten it


class Engine:
    """A lazily connected client; each call gives up after 5 s, connecting after 10 s, with Unreachable (`temporal_unavailable`)."""

    def __init__(self, settings: Settings, client: Client | None = None) -> None:
        self._settings = settings
        self._client = client
        self._connecting = asyncio.Lock()

    async def client(self) -> Client:
        async with self._connecting:
            if self._client is None:
                self._client = await connect(self._settings)
            return self._client

    async def start(
        self, kind: str, entity_id: str, org_id: str, payload: Mapping[str, Any], *, anew: bool = False, priority: int = 3
    ) -> None:
        """Start workflow `kind` as `kind/entity_id`. Starting twice is one start; `anew` allows a second run after an end."""
        client = await self.client()
        with asking("start"), suppress(WorkflowAlreadyStartedError):
            await client.start_workflow(
                kind,
                dict(payload),
                id=workflow_id(kind, entity_id),
                task_queue=Queue.CONTROL,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE if anew else WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                priority=Priority(priority_key=priority, fairness_key=org_id),
                search_attributes=TypedSearchAttributes(
                    [
                        SearchAttributePair(ORG_ID, org_id),
                        SearchAttributePair(JOB_KIND, kind),
                        SearchAttributePair(JOB_STATUS, "queued"),
                    ]
                ),
                rpc_timeout=CALL_LIMIT,
            )

    async def signal(self, target: str, name: str) -> bool:
        """Send signal `name` to workflow id `target`; False where nothing runs under it (any more)."""
        client = await self.client()
        with asking("signal"):
            try:
                await client.get_workflow_handle(target).signal(name, rpc_timeout=CALL_LIMIT)
            except RPCError as error:
                if error.status != RPCStatusCode.NOT_FOUND:
                    raise
                return False
        return True

    async def state(self, target: str) -> RunState:
        """What became of workflow id `target`."""
        client = await self.client()
        with asking("describe"):
            try:
                description = await client.get_workflow_handle(target).describe(rpc_timeout=CALL_LIMIT)
            except RPCError as error:
                if error.status != RPCStatusCode.NOT_FOUND:
                    raise
                return RunState.UNKNOWN
        if description.status is WorkflowExecutionStatus.RUNNING:
            return RunState.RUNNING
        forced = (WorkflowExecutionStatus.TERMINATED, WorkflowExecutionStatus.TIMED_OUT)
        return RunState.TERMINATED if description.status in forced else RunState.ENDED

    async def run(self, kind: str, target: str, gives: type[T], input: Frozen | None = None) -> T:
        """Run workflow `kind`, with an input or none, as `target` and wait for its result. Raises Unreachable."""
        client = await self.client()
        with asking("run"):
            result: T = await client.execute_workflow(
                kind,
                args=[input] if input is not None else [],
                id=target,
                task_queue=Queue.CONTROL,
                result_type=gives,
                priority=OURS,
            )
        return result

    async def check(self) -> None:
        """Raise Unreachable where Temporal does not answer."""
        client = await self.client()
        with asking("check"):
            await client.service_client.check_health(timeout=CALL_LIMIT)


@contextmanager
def asking(operation: str) -> Iterator[None]:
    """Measure one call; Unreachable where Temporal does not answer it."""
    with measured("temporal", operation):
        try:
            yield
        except RPCError as error:
            detail = f"Temporal does not answer ({error.status.name.lower()})."
            raise Unreachable(detail, code="temporal_unavailable") from error
