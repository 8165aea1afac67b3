"""The embedded Temporal server: the CLI's development server on one SQLite file, with its UI.

The defaults that cost most are changed: a commit reaches the disk (`synchronous=full`), and the one shard's processors are
not held to 20 polls a second, which makes each hop 100 ms after a short burst. And queues heed what each start says of its
priority and its organisation, which by default they do not.
"""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from cutroom.errors import SetupError
from cutroom.local.leash import leashed
from cutroom.settings import Settings

NAMESPACE = "default"
DYNAMIC_CONFIG = {
    "history.transferProcessorMaxPollRPS": 2000,
    "history.timerProcessorMaxPollRPS": 2000,
    "history.visibilityProcessorMaxPollRPS": 500,
    "matching.useNewMatcher": "true",
    "matching.enableFairness": "true",
    # Turns hold within a partition, and one server needs no more than one. It still reads the four of earlier homes.
    "matching.numTaskqueueWritePartitions": 1,
}
_CREATE_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Temporal:
    """One development server. `folder` holds its file; `port` is gRPC, `ui_port` the UI and its HTTP API."""

    binary: Path
    folder: Path
    port: int
    ui_port: int

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def file(self) -> Path:
        return self.folder / "temporal.db"

    def prepare(self) -> None:
        """Makes the file under another name first: a server killed in its first 60 ms leaves half a schema for good.

        Raises SetupError where the server does not come up.
        """
        if self.file.exists():
            return
        scratch = self.folder / "new"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700, parents=True)
        first = replace(self, folder=scratch)
        with (scratch / "log").open("wb") as log:
            process = subprocess.Popen(first.command(), env=environment(), stdout=log, stderr=log, start_new_session=True)
            try:
                deadline = time.monotonic() + _CREATE_TIMEOUT_S
                while not first.healthy():
                    if process.poll() is not None or time.monotonic() > deadline:
                        raise SetupError(f"The Temporal server did not start; its words are in {scratch / 'log'}.")
                    time.sleep(0.05)
            finally:
                process.terminate()
                process.wait()
        with sqlite3.connect(first.file) as database:
            database.execute("pragma wal_checkpoint(truncate)")
        database.close()
        first.file.rename(self.file)
        shutil.rmtree(scratch)

    def command(self) -> list[str]:
        command = [str(self.binary), "server", "start-dev", "--ip", "127.0.0.1", "--db-filename", str(self.file)]
        command += ["--port", str(self.port), "--ui-port", str(self.ui_port), "--namespace", NAMESPACE, "--log-level", "error"]
        command += ["--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=full"]
        for key, value in DYNAMIC_CONFIG.items():
            command += ["--dynamic-config-value", f"{key}={value}"]
        return leashed(command, on_parent_death=signal.SIGKILL)

    def healthy(self) -> bool:
        """Asks through the UI's HTTP API, so that both answer."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.ui_port}/api/v1/namespaces/{NAMESPACE}", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def finish(self) -> None:
        """Search attributes and retention. Flags at start are ignored once the file exists."""
        asyncio.run(self._finish())

    async def _finish(self) -> None:
        from cutroom.temporal.connection import connect
        from cutroom.temporal.namespace import mend_namespace

        ours = Settings.model_construct(temporal_address=self.address, temporal_namespace=NAMESPACE)  # not the caller's environment
        client = await connect(ours)
        _, left = await mend_namespace(client, self.address)
        if left:
            raise SetupError(f"In the embedded Temporal {left[0].says}: run `{left[0].command}`.")


def environment() -> dict[str, str]:
    """What the Temporal binary may see: no secret, and no TEMPORAL_* of the caller's, which would change its target."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
