"""What Temporal knows of a task queue: how much waits in it, for how long, and who asks it for work.

What its answers mean, as server 1.29 gave them, with its plain matcher and with `matching.useNewMatcher` and
`matching.enableFairness` alike:

- The backlog holds tasks that no waiting worker took at once. It is counted anew every 5 s. A task whose workflow was
  terminated meanwhile counts until a worker comes and drops it; a step that waits for its next attempt does not.
- A worker counts from its first poll. A poll lasts 60 s at most and is renewed: with a slot free, the worker was last heard
  of 58 s ago at the most.
- A worker whose slots are all taken does not poll. After 90 s it counts no more, though it is alive and works: no pollers
  means that no worker runs, or that all of them are busy.
- A worker that ended or was killed with -9 was gone after 91 s, one frozen by SIGSTOP after 128 s: its last poll goes on
  without it, 150 s at the most. A server that was started anew knows of no worker until it polls.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, DescribeTaskQueueResponse

from cutroom.contracts.steps import Queue
from cutroom.temporal.engine import CALL_LIMIT, Engine, asking

HEARD_OF_WITHIN = timedelta(seconds=90)
WORKFLOWS, ACTIVITIES = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY


@dataclass(frozen=True)
class QueueState:
    """`backlog`: tasks that wait for a worker, about. `oldest_s`: for how long the first of them does; 0 where none waits.

    `pollers`: workers that asked for work within the last 90 s.
    """

    backlog: int
    oldest_s: float
    pollers: int


async def queue_states(engine: Engine) -> dict[str, QueueState]:
    """The state of each queue of ours, the tasks of workflows included. Raises Unreachable (`temporal_unavailable`)."""
    states = await asyncio.gather(*(queue_state(engine, queue) for queue in Queue))
    return dict(zip(Queue, states, strict=True))


async def queue_state(engine: Engine, queue: str) -> QueueState:
    """The state of one queue. Raises Unreachable (`temporal_unavailable`)."""
    described = await asyncio.gather(_describe(engine, queue, WORKFLOWS), _describe(engine, queue, ACTIVITIES))
    heard_of = {
        poller.identity
        for half in described
        for poller in half.pollers
        if datetime.now(UTC) - poller.last_access_time.ToDatetime(UTC) < HEARD_OF_WITHIN
    }
    return QueueState(
        backlog=sum(half.stats.approximate_backlog_count for half in described),
        oldest_s=max(half.stats.approximate_backlog_age.ToTimedelta().total_seconds() for half in described),
        pollers=len(heard_of),
    )


async def _describe(engine: Engine, queue: str, kind: "TaskQueueType.ValueType") -> DescribeTaskQueueResponse:
    """Pollers and statistics of one half of a queue; all its priorities together."""
    client = await engine.client()
    request = DescribeTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind, report_stats=True
    )
    with asking("describe_queue"):
        return await client.workflow_service.describe_task_queue(request, timeout=CALL_LIMIT)
