"""A real stack in its own process, which tests kill and start again, and what can be seen of it from outside.

Work is counted by the workers' logs: each artifact that a step really makes, and does not find, is one line `making`.
"""

import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import psutil
from temporalio.client import Client as TemporalClient
from temporalio.client import WorkflowHandle

from cutroom.client import Client, Job
from cutroom.contracts.ids import workflow_id
from cutroom.local.home import Home
from cutroom.local.ports import free_port
from cutroom.local.sample import make_sample
from cutroom.local.stack import WORKERS, with_embedded
from cutroom.settings import Settings
from cutroom.store import ledger
from cutroom.store.database import Database
from cutroom.temporal.connection import connect

T = TypeVar("T")

PORTS = ("API", "METRICS", "POSTGRES", "TEMPORAL", "TEMPORAL_UI", "S3", "CARDS")
START_S = 180.0
CAMPAIGN_S = 600.0  # long enough for a loaded machine; what is promised is measured beside it
WISHES: dict[str, Any] = {"count": 1, "min_s": 5, "max_s": 8}


def until(condition: Callable[[], T | Literal[False] | None], seconds: float, every_s: float = 0.05) -> T:
    """The first true answer of `condition`; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain"
        time.sleep(every_s)
    return answer


@dataclass
class Rig:
    """One home, the stack that runs in it, and a recording to work on."""

    home: Home
    settings: Settings
    recording: Path
    environment: dict[str, str] = field(repr=False)
    process: subprocess.Popen[str] | None = None
    _copies: int = 0

    @classmethod
    def at(cls, folder: Path, **environment: str) -> "Rig":
        return cls.of(folder / "home", make_sample(folder / "sample", 30).video, **environment)

    @classmethod
    def of(cls, place: Path, recording: Path, **environment: str) -> "Rig":
        """A home at `place`, on ports of its own."""
        ports = {f"CUTROOM_{name}_PORT": str(free_port(len(WORKERS) if name == "METRICS" else 1)) for name in PORTS}
        home = Home.at(place)
        outside = {name: value for name, value in os.environ.items() if not name.startswith("CUTROOM_") or name == "CUTROOM_TOOLS"}
        fields: dict[str, Any] = {f"{name.lower()}_port": int(ports[f"CUTROOM_{name}_PORT"]) for name in PORTS}
        settings = with_embedded(Settings(home=home.path, **fields), home)
        return cls(home, settings, recording, {**outside, **ports, "CUTROOM_HOME": str(home.path), **environment})

    # --- the stack's life ---

    def start(self) -> float:
        """Start the stack and wait until all of it is healthy; seconds that it took."""
        began = time.monotonic()
        output = self.home.log("up")
        with output.open("w") as stream:
            command = [sys.executable, "-c", "from cutroom.cli import main; main()", "up", "--json"]
            self.process = subprocess.Popen(command, env=self.environment, stdout=stream, stderr=stream, text=True)
        until(lambda: self._ended() or '"api"' in output.read_text(), START_S)
        assert not self._ended(), output.read_text()
        return time.monotonic() - began

    def stop(self, within_s: float = 60.0) -> None:
        """As Ctrl-C does."""
        if self.process is not None and not self._ended():
            self.process.send_signal(signal.SIGINT)
            self.process.wait(within_s)

    def kill(self) -> None:
        """SIGKILL for the supervisor and for each process that it started."""
        assert self.process is not None
        pids = [self.process.pid, *(part["pid"] for part in self.run()["parts"].values())]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        self.process.wait(10)

    def kill_part(self, part: str) -> None:
        """SIGKILL for one part; its supervisor starts it again."""
        os.kill(self.pid(part), signal.SIGKILL)

    def pid(self, part: str) -> int:
        return int(self.run()["parts"][part]["pid"])

    def run(self) -> dict[str, Any]:
        return dict(json.loads(self.home.run_file.read_text()))

    def healthy_again(self, part: str, pid: int) -> bool:
        """Whether `part` runs as another process than `pid` and is healthy."""
        state = self.run()["parts"][part]
        return bool(state["pid"] != pid and state["healthy"])

    def command(self, *words: str, **environment: str) -> str:
        """What `cutroom words...` prints; it must succeed."""
        command, given = [sys.executable, "-c", "from cutroom.cli import main; main()", *words], {**self.environment, **environment}
        done = subprocess.run(command, env=given, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    # --- work ---

    def client(self, patience_s: float = 180.0) -> Client:
        return Client(f"http://127.0.0.1:{self.settings.api_port}", self.home.token_file.read_text().strip(), patience_s=patience_s)

    def fresh_recording(self) -> Path:
        """The same talk in other bytes, so that no step of it was done before."""
        self._copies += 1
        copy = self.recording.with_name(f"talk-{self._copies}-{random.randrange(10**9)}.mp4")
        shutil.copy(self.recording, copy)
        with copy.open("ab") as file:
            file.write((8 + 16).to_bytes(4, "big") + b"free" + random.randbytes(16))
        return copy

    def finished(self, client: Client, job_id: str, seconds: float = CAMPAIGN_S) -> Job:
        """The job once it has ended, however often the stack goes away meanwhile."""
        return until(lambda: _if_ended(client.job(job_id)), seconds, 0.1)

    def settles(self, client: Client, job_id: str) -> int:
        """How often the job was settled."""
        return sum(entry.operation_id == job_id and entry.phase == "settle" for entry in client.entries())

    async def handle(self, job_id: str) -> WorkflowHandle[Any, Any]:
        return (await self.temporal()).get_workflow_handle(workflow_id("campaign", job_id))

    async def temporal(self) -> TemporalClient:
        return await connect(self.settings)

    # --- what is left behind ---

    def made(self) -> Counter[tuple[str, str, str]]:
        """(step, part, fingerprint) -> how often its artifact was made since this home was."""
        return Counter((line["produced_by"], line.get("part", ""), line["fingerprint"]) for line in self.lines("making"))

    def is_making(self, step: str, before: Counter[tuple[str, str, str]]) -> bool:
        """Whether a part of `step` has been begun that is not among those made `before`."""
        return any(made.partition("/")[0] == step for made, _, _ in self.made() - before)

    def lines(self, event: str) -> Iterator[dict[str, Any]]:
        for worker in ("control", "media", "gpu"):
            for text in self.home.log(worker).read_text(errors="replace").splitlines():
                if f'"{event}"' in text and text.startswith("{"):
                    line = json.loads(text)
                    if line.get("event") == event:
                        yield line

    def left_behind(self) -> list[str]:
        """Processes of media tools and scratch folders of this home."""
        found = [f"scratch {entry.name}" for entry in self._scratch()]
        for process in psutil.process_iter(["cmdline", "status"]):
            words = " ".join(process.info["cmdline"] or ())
            if str(self.home.path) in words and "ffmpeg" in words and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(f"process {process.pid} {words[:200]}")
        return found

    def _scratch(self) -> list[Path]:
        folder = self.home.path / "scratch"
        return list(folder.iterdir()) if folder.exists() else []

    def open_holds(self) -> list[str]:
        """Jobs whose credits are held."""

        async def read() -> list[str]:
            database = Database(self.settings.database_system_url.get_secret_value(), pool_size=1)
            try:
                async with database.transaction(None) as session:
                    return [hold.operation_id for hold in await ledger.open_holds(session)]
            finally:
                await database.close()

        return asyncio.run(read())


def _if_ended(job: Job) -> Job | None:
    return job if job.ended else None
