"""The typed reference of a step: its name, queue, models and timeouts, declared once.

Workflows run a `Step`; activities implement it. Neither imports the other, so no workflow process ever loads a model
library, and the type checker still sees what goes in and what comes out.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from cutroom.contracts.base import Frozen, StepInput

In = TypeVar("In", bound=StepInput)
Out = TypeVar("Out", bound=Frozen)


class Queue(StrEnum):
    """Task queues. A process polls exactly one."""

    CONTROL = "control"  # workflows, database, ledger: fast
    OUTBOUND = "outbound"  # card processor, providers, webhooks: slow, hangs
    CPU_MEDIA = "cpu-media"  # ffmpeg, selection
    GPU = "gpu"  # transcription, shots, faces


@dataclass(frozen=True)
class Step(Generic[In, Out]):
    """One activity.

    `heartbeat_s` is required from `start_to_close_s` > 10 on, and a beat means progress. `attempts` is for reasons that
    are not the input's; bad input is never retried. `must_stop`: a cancellation waits until the activity says that it
    stopped (it drives a child process); otherwise its result is dropped.
    """

    name: str
    queue: Queue
    takes: type[In]
    gives: type[Out]
    start_to_close_s: float = 10.0
    heartbeat_s: float | None = None
    attempts: int = 8
    must_stop: bool = False
