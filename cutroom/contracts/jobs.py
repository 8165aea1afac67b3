"""States of a job and the steps that every engine shares: events, holds, settling."""

from enum import StrEnum
from typing import Any

from cutroom.contracts.base import Frozen, JobInput, JobRef, Nothing
from cutroom.contracts.steps import Queue, Step


class JobStatus(StrEnum):
    PENDING = "pending"
    QUEUED = "queued"
    PROCESSING = "processing"
    PAUSING = "pausing"
    PAUSED = "paused"
    ATTENTION = "attention"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


TERMINAL = frozenset({JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELED, JobStatus.EXPIRED})


class EventInput(JobInput):
    """One line of a job's history. `seq` is given by the workflow, from 1, and never reused.

    `kind`: `status` | `step_started` | `step_ended` | `attention` | `clip` | ... `status` is the state after this event.
    `error_code` is of docs/errors.md; `data` holds ids and numbers only.
    """

    seq: int
    kind: str
    status: JobStatus
    step: str = ""
    error_code: str = ""
    error_detail: str = ""
    data: dict[str, Any] = {}


class Settled(Frozen):
    """Credits spent and given back, of the job's hold."""

    spent: int
    released: int


RECORD_EVENT = Step("record_event", Queue.CONTROL, EventInput, Nothing, attempts=0, must_stop=True)
HOLD_CREDITS = Step("hold_credits", Queue.CONTROL, JobRef, Nothing, attempts=0, must_stop=True)
SETTLE_CREDITS = Step("settle_credits", Queue.CONTROL, JobRef, Settled, attempts=0, must_stop=True)
