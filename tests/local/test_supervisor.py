"""Restarts, back-off and clear words when a part does not start."""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from cutroom.errors import SetupError
from cutroom.local import supervisor as supervisor_module
from cutroom.local.home import Home
from cutroom.local.leash import leashed
from cutroom.local.locks import is_running, only_stack
from cutroom.local.supervisor import Part, Supervisor


@asynccontextmanager
async def supervisor(folder: Path) -> AsyncIterator[Supervisor]:
    home = Home.at(folder)
    with only_stack(home) as lock:
        made = Supervisor(home, lock, lambda: None)
        try:
            yield made
        finally:
            await made.stop()


def part(script: str, healthy: Callable[[], bool] = lambda: True) -> Part:
    return Part("part", lambda: leashed(["/bin/sh", "-c", script]), {"PATH": os.defpath}, healthy)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


def test_a_part_that_does_not_start_is_named_with_its_last_words(tmp_path: Path) -> None:
    async def start() -> None:
        async with supervisor(tmp_path) as made:
            await made.start(part("echo no such luck; exit 7", healthy=lambda: False))

    with pytest.raises(SetupError, match=r"part did not start:\nno such luck"):
        asyncio.run(start())


def test_a_part_that_ends_is_started_again_ever_more_slowly(tmp_path: Path) -> None:
    async def restart_four_times() -> None:
        async with supervisor(tmp_path) as made:
            await made.start(part("exit 1"))
            await until(lambda: made.states["part"].restarts == 4)

    asyncio.run(restart_four_times())
    notes = Home.at(tmp_path).log("supervisor").read_text()
    assert re.findall(r"starting again in ([0-9.]+) s", notes)[:4] == ["0.2", "0.4", "0.8", "1.6"]


def test_a_part_that_stops_answering_is_ended_and_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_module, "CHECK_EVERY_S", 0.02)
    answering = True

    async def restarted() -> None:
        nonlocal answering
        async with supervisor(tmp_path) as made:
            await made.start(part("exec sleep 1000", healthy=lambda: answering))
            answering = False
            await until(lambda: made.states["part"].restarts == 1)

    asyncio.run(restarted())


def test_children_of_a_part_end_with_it(tmp_path: Path) -> None:
    home = Home.at(tmp_path)

    async def run() -> psutil.Process:
        async with supervisor(tmp_path) as made:
            await made.start(part("sleep 1000 & echo $!; wait", healthy=lambda: bool(home.log("part").read_text())))
            return psutil.Process(int(home.log("part").read_text()))

    asyncio.run(run()).wait(timeout=10)


def test_a_part_is_killed_once_its_time_to_end_is_over_and_not_before(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    deaf = "trap 'echo asked' TERM; echo up; while :; do sleep 0.05; done"

    async def end() -> float:
        async with supervisor(tmp_path) as made:
            await made.start(replace(part(deaf, healthy=lambda: "up" in home.log("part").read_text()), stop_s=1.0))
            began = time.monotonic()
        return time.monotonic() - began

    assert 1.0 <= asyncio.run(end()) < 10.0
    assert "asked" in home.log("part").read_text()


def test_a_second_start_in_one_home_is_refused(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    assert not is_running(home)
    with only_stack(home):
        assert is_running(home)
        with pytest.raises(SetupError, match="already runs") as refused, only_stack(home):
            pass
        assert refused.value.code == "already_running"
    with only_stack(home):
        pass
