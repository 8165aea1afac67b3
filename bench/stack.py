"""A stack of its own for one measurement: a fresh home, free ports, nothing cached; and what its processes use meanwhile."""

import os
import tempfile
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from rich.console import Console

from bench.cpu import cpu_s
from cutroom.client import Client
from cutroom.local.ports import free_port
from cutroom.local.stack import Stack, running
from cutroom.settings import Settings

PORTS = ("API", "POSTGRES", "TEMPORAL", "TEMPORAL_UI", "S3", "CARDS")
EVERY_S = 0.25


@asynccontextmanager
async def fresh_stack() -> AsyncIterator[tuple[Stack, Client]]:
    """The embedded stack in a new home, and a client of its organisation; all of it gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="cutroom-bench-") as folder:
        # Its processes read the ports from the environment that they inherit.
        ports = {f"CUTROOM_{name}_PORT": str(free_port()) for name in PORTS} | {"CUTROOM_METRICS_PORT": "0"}
        os.environ |= ports | {"CUTROOM_HOME": f"{folder}/home"}
        settings = Settings()
        async with running(settings, Console(stderr=True, quiet=True)) as stack:
            with Client(stack.addresses["api"], stack.token) as client:
                yield stack, client


@dataclass
class Used:
    """The most that was seen at one moment. `resident` in bytes: of `media` its largest single process, of `gpu` the worker with
    all that it started. `disk` in bytes of scratch folders and local copies together. `cpu_s` of both with all that they started.
    """

    resident: dict[str, int] = field(default_factory=dict)
    disk: int = 0
    cpu_s: float = 0.0


@contextmanager
def watching(stack: Stack) -> Iterator[Used]:
    """Look at the workers a few times a second while the body runs."""
    workers = {name: psutil.Process(state.pid) for name, state in stack.supervisor.states.items() if name in ("media", "gpu")}
    used, ended = Used(), threading.Event()

    def watch() -> None:
        while not ended.wait(EVERY_S):
            for name, worker in workers.items():
                sizes = _resident(worker)
                used.resident[name] = max(used.resident.get(name, 0), sum(sizes) if name == "gpu" else max(sizes))
            used.disk = max(used.disk, _bytes_in(stack.settings.home / part for part in ("scratch", "cache")))

    before = sum(cpu_s(worker) for worker in workers.values())
    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield used
    finally:
        ended.set()
        thread.join()
        used.cpu_s = sum(cpu_s(worker) for worker in workers.values()) - before


def _resident(worker: psutil.Process) -> list[int]:
    """Bytes of a worker and of each process that it started; one that is not yet another program still shows the worker's."""
    sizes = [0]
    with suppress(psutil.NoSuchProcess):
        itself = worker.cmdline()
        sizes.append(worker.memory_info().rss)
        for child in worker.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if child.cmdline() != itself:
                    sizes.append(child.memory_info().rss)
    return sizes


def _bytes_in(folders: Iterable[Path]) -> int:
    """Bytes on disk; a file with several names counts once."""
    seen: dict[int, int] = {}
    for place, _, names in (found for folder in folders for found in os.walk(folder)):  # which passes over what just went
        for name in names:
            with suppress(FileNotFoundError):
                stat = os.lstat(os.path.join(place, name))
                seen[stat.st_ino] = stat.st_blocks * 512
    return sum(seen.values())
