"""Histories of released workflows, replayed by today's code: a change that would strand a running job fails here.

A release adds its histories: `CUTROOM_RECORD_HISTORIES=tests/replay/histories/<version> pytest tests/workflows`.
"""

import asyncio
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from worker_cpu.__main__ import WORKFLOWS

HISTORIES = sorted((Path(__file__).parent / "histories").rglob("*.json"))


def test_there_are_histories_of_each_way_out() -> None:
    names = " ".join(path.stem for path in HISTORIES)
    ways = (
        "settled-before-the-end",
        "cancel",
        "pause",
        "waits-for-help",
        "bad-input",
        "accepted",
        "rejected",
        "reconciling",
        "declined",
    )
    assert all(way in names for way in ways)


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_todays_code_follows_the_history(path: Path) -> None:
    history = await asyncio.to_thread(path.read_text)
    replayer = Replayer(workflows=WORKFLOWS, data_converter=pydantic_data_converter, interceptors=[TracingInterceptor()])
    await replayer.replay_workflow(WorkflowHistory.from_json("replayed", history), raise_on_replay_failure=True)
