"""Keeps processes running: started, found healthy, watched, restarted with back-off, and ended together.

Each process has its own log file and process group, dies with us (`leash`), and holds a lock of the home folder that tells
the next start whether something of the last one still runs.
"""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from cutroom.errors import SetupError
from cutroom.local.home import Home

START_TIMEOUT_S = 120.0
FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 30.0
CALM_S = 60.0
CHECK_EVERY_S = 5.0
CHECKS_MISSED = 6
LARGEST_LOG = 20 * 1024 * 1024


@dataclass(frozen=True)
class Part:
    """One process. `prepare` runs before every start, `finish` once it is healthy for the first time.

    Asked to end by `stop_signal`, it is killed `stop_s` seconds later.
    """

    name: str
    command: Callable[[], list[str]]
    environment: Mapping[str, str]
    healthy: Callable[[], bool]
    prepare: Callable[[], object] = lambda: None
    finish: Callable[[], object] = lambda: None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_s: float = 10.0


@dataclass
class State:
    """What is known of a running part."""

    pid: int
    restarts: int = 0
    healthy: bool = False


class Supervisor:
    """Starts parts in stages and ends them in the opposite order. Use it from the main thread: the leash watches that one."""

    def __init__(self, home: Home, lock: int, on_change: Callable[[], None]) -> None:
        """`lock`: file descriptor that every child inherits. `on_change` is called when a pid or a health changes."""
        self.states: dict[str, State] = {}
        self._home = home
        self._lock = lock
        self._on_change = on_change
        self._stages: list[list[tuple[Part, asyncio.Task[NoReturn]]]] = []

    async def start(self, *parts: Part) -> None:
        """Starts these parts side by side; returns once all are healthy.

        Raises SetupError where one ends, or is not healthy within two minutes.
        """
        healthy = [asyncio.Event() for _ in parts]
        keepers = [asyncio.create_task(self._keep(part, event)) for part, event in zip(parts, healthy, strict=True)]
        self._stages.append(list(zip(parts, keepers, strict=True)))
        waiting = [asyncio.create_task(event.wait()) for event in healthy]
        try:
            while not all(event.is_set() for event in healthy):
                await asyncio.wait([*(task for task in waiting if not task.done()), *keepers], return_when=asyncio.FIRST_COMPLETED)
                for keeper in keepers:
                    if keeper.done():
                        keeper.result()
        finally:
            for task in waiting:
                task.cancel()

    async def watch(self) -> NoReturn:
        """Runs until a part cannot be kept (a defect of ours, or a part that can no longer be started): raises what ended it."""
        keepers = [keeper for stage in self._stages for _, keeper in stage]
        await asyncio.wait(keepers, return_when=asyncio.FIRST_COMPLETED)
        raise next(error for keeper in keepers if keeper.done() and (error := keeper.exception()))

    async def stop(self) -> None:
        """Ends everything, newest stage first."""
        for stage in reversed(self._stages):
            for _, keeper in stage:
                keeper.cancel()
            await asyncio.gather(*(keeper for _, keeper in stage), return_exceptions=True)
        self._stages.clear()

    async def _keep(self, part: Part, first_healthy: asyncio.Event) -> NoReturn:
        delay = FIRST_DELAY_S
        while True:
            began = time.monotonic()
            await asyncio.to_thread(part.prepare)
            process = await self._spawn(part)
            try:
                await self._until_healthy(part, process)
                if not first_healthy.is_set():
                    await asyncio.to_thread(part.finish)
                    first_healthy.set()
                await self._until_ended(part, process)
            except SetupError:
                if not first_healthy.is_set():
                    raise
            finally:
                await _end(process, part)
            if time.monotonic() - began > CALM_S:
                delay = FIRST_DELAY_S
            self._note(part, f"ended with {process.returncode}; starting again in {delay:.1f} s")
            await asyncio.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY_S)

    async def _spawn(self, part: Part) -> asyncio.subprocess.Process:
        log = self._home.log(part.name)
        if log.exists() and log.stat().st_size > LARGEST_LOG:
            log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as stream:
            process = await asyncio.create_subprocess_exec(
                *part.command(),
                env=dict(part.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
                pass_fds=(self._lock,),
            )
        before = self.states.get(part.name)
        self.states[part.name] = State(process.pid, before.restarts + 1 if before else 0)
        self._on_change()
        return process

    async def _until_healthy(self, part: Part, process: asyncio.subprocess.Process) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while process.returncode is None:
            if await asyncio.to_thread(part.healthy):
                self.states[part.name].healthy = True
                self._on_change()
                return
            if time.monotonic() > deadline:
                raise SetupError(f"{part.name} was not healthy within {START_TIMEOUT_S:.0f} s; see {self._home.log(part.name)}.")
            await asyncio.sleep(0.05)
        raise SetupError(f"{part.name} did not start:\n{self._last_words(part)}\n(from {self._home.log(part.name)})")

    async def _until_ended(self, part: Part, process: asyncio.subprocess.Process) -> None:
        """Returns when the process ends, or stops answering its health check for half a minute."""
        missed = 0
        while missed < CHECKS_MISSED:
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), CHECK_EVERY_S)
                return
            missed = 0 if await asyncio.to_thread(part.healthy) else missed + 1
        self._note(part, "does not answer its health check")

    def _last_words(self, part: Part) -> str:
        return "\n".join(self._home.log(part.name).read_text(errors="replace").strip().splitlines()[-8:])

    def _note(self, part: Part, text: str) -> None:
        self.states[part.name].healthy = False
        self._on_change()
        with self._home.log("supervisor").open("a") as log:
            log.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {part.name} {text}\n")


async def _end(process: asyncio.subprocess.Process, part: Part) -> None:
    """Asks the process to end, then ends its whole group: a killed process may have left children there."""
    if process.returncode is None:
        process.send_signal(part.stop_signal)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), part.stop_s)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
