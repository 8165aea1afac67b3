"""Every step that a workflow can run is implemented once, by the worker of its queue, with limits that Temporal can enforce."""

from collections import Counter
from typing import Any

import pytest

from cutroom.contracts import campaign
from cutroom.contracts.steps import Queue, Step
from tests.steps import STEPS
from worker_cpu.__main__ import CONTROL, MEDIA, OUTBOUND
from worker_gpu.__main__ import GPU

WORKERS = {Queue.CONTROL: CONTROL, Queue.OUTBOUND: OUTBOUND, Queue.CPU_MEDIA: MEDIA, Queue.GPU: GPU}


def test_each_queue_has_a_worker_that_does_exactly_its_steps() -> None:
    for queue, implementations in WORKERS.items():
        done = Counter(implementation.step.name for implementation in implementations)
        assert done == Counter(step.name for step in STEPS if step.queue is queue)


def test_names_of_steps_are_unique() -> None:
    assert max(Counter(step.name for step in STEPS).values()) == 1


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_a_step_of_more_than_ten_seconds_beats(step: Step[Any, Any]) -> None:
    assert step.start_to_close_s > 0
    assert step.heartbeat_s is not None or step.start_to_close_s <= 10
    assert step.heartbeat_s is None or step.heartbeat_s >= 30  # a server away for some seconds retries nothing


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_every_input_says_whose_work_it_is(step: Step[Any, Any]) -> None:
    assert isinstance(step.takes.owner, property)
    assert step.takes.owner.fget is not campaign.StepInput.owner.fget  # type: ignore[attr-defined]
