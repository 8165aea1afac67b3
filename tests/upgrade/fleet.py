"""The API and the workers as processes of either version, over servers of their own.

The released version runs from its wheel, unpacked; each process says first which code it is, so that nobody has to believe it.
"""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cutroom
from cutroom.local.leash import leashed

ROOT = Path(__file__).parents[2]
RELEASED = Path(__file__).parent / "released"
# Who is asked comes before who asks: the order of a rolling update.
PARTS = {
    "media": ["worker_cpu", "media"],
    "gpu": ["worker_gpu"],
    "outbound": ["worker_cpu", "outbound"],
    "control": ["worker_cpu", "control"],
    "api": ["api"],
}
RUN = """
import cutroom, json, runpy, sys
print(json.dumps({"version": cutroom.__version__, "code": cutroom.__file__}), flush=True)
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""
DEADLINE_S = 300.0  # for a loaded machine


def until(condition: Callable[[], object], seconds: float = DEADLINE_S) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain"
        time.sleep(0.05)


@dataclass(frozen=True)
class Code:
    """One version: a folder to import everything from."""

    version: str
    folder: Path

    def python(self, environment: dict[str, str], script: str, *arguments: str) -> None:
        """Run a script to its end."""
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            cwd=self.folder,
            env=environment | {"PYTHONPATH": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def migrate(self, environment: dict[str, str], owner_url: str) -> None:
        """Bring the database to this version; nothing happens where it is there."""
        self.python(environment, "import sys; from cutroom.store.migrate import upgrade; upgrade(sys.argv[1])", owner_url)


CURRENT = Code(cutroom.__version__, ROOT)


@dataclass(frozen=True)
class Rollout:
    """From one version to the other, part by part."""

    before: Code
    after: Code
    order: list[str]


@dataclass
class Running:
    """One process and what it says."""

    process: subprocess.Popen[bytes]
    ready: Path
    log: Path

    def said_once_up(self) -> str:
        until(lambda: self.ready.exists() or self.process.poll() is not None)
        said = self.log.read_text()
        assert self.process.poll() is None, said
        return said


@dataclass
class Fleet:
    """All processes of one home. `environment` points them at their servers."""

    home: Path
    environment: dict[str, str] = field(repr=False)
    running: dict[str, Running] = field(default_factory=dict)

    def start(self, code: Code, *parts: str) -> None:
        """Start parts side by side and wait until each polls, or listens."""
        for part in parts:
            self.running[part] = self._spawn(part, code)
        for part in parts:
            said = self.running[part].said_once_up()
            assert json.loads(said.splitlines()[0]) == {"version": code.version, "code": str(code.folder / "cutroom/__init__.py")}

    def end(self, *parts: str) -> None:
        """SIGTERM to all of them, and wait until they are gone."""
        for part in parts:
            self.running[part].process.terminate()
        for part in parts:
            self.running[part].process.wait(DEADLINE_S)

    def replace(self, part: str, code: Code) -> None:
        """As `docker compose up` does: the old one drains and is gone before the new one starts."""
        self.end(part)
        self.start(code, part)

    def _spawn(self, part: str, code: Code) -> Running:
        ready, log = (self.home / f"{part}-{code.version}.{kind}" for kind in ("ready", "log"))
        with log.open("w") as stream:
            process = subprocess.Popen(
                leashed([sys.executable, "-c", RUN, *PARTS[part]]),
                cwd=code.folder,
                env=self.environment | {"PYTHONPATH": str(code.folder), "CUTROOM_READY_FILE": str(ready)},
                stdout=stream,
                stderr=stream,
            )
        return Running(process, ready, log)

    def lines(self, event: str) -> Iterator[dict[str, Any]]:
        """What all processes so far logged under this name."""
        for log in self.home.glob("*.log"):
            for text in log.read_text(errors="replace").splitlines():
                if f'"{event}"' in text:
                    line = json.loads(text)
                    if line.get("event") == event:
                        yield line

    def made(self) -> Counter[tuple[str, str, str]]:
        """(step, part, fingerprint) -> how often its artifact was made; what the tools said is kept anew with each attempt."""
        made = ((line["produced_by"], line.get("part", ""), line["fingerprint"]) for line in self.lines("making"))
        return Counter(each for each in made if each[0] != "log")

    def is_making(self, step: str) -> bool:
        return any(made.partition("/")[0] == step for made, _, _ in self.made())
