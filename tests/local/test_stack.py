"""The whole of `cutroom up` as its owner sees it: what listens, who knows what, what comes back, and what is left behind."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from cutroom.local.home import Home
from cutroom.local.ports import free_port
from cutroom.local.stack import PROCESSES

PORTS = ("API", "METRICS", "POSTGRES", "TEMPORAL", "TEMPORAL_UI", "S3", "CARDS")
SERVERS = ("postgres", "temporal", "s3", "cards")


@dataclass
class Up:
    """A running `cutroom up`."""

    process: subprocess.Popen[str]
    environment: dict[str, str]
    home: Home

    def run(self) -> dict[str, Any]:
        return dict(json.loads(self.home.run_file.read_text()))

    def pid(self, part: str) -> int:
        return int(self.run()["parts"][part]["pid"])

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


def start(environment: dict[str, str], output: Path) -> Up:
    """Starts the stack and waits until all of it is healthy."""
    with output.open("w") as stream:
        command = [sys.executable, "-c", "from cutroom.cli import main; main()", "up", "--json"]
        process = subprocess.Popen(command, env=environment, stdout=stream, stderr=stream, text=True, start_new_session=True)
    up = Up(process, environment, Home(Path(environment["CUTROOM_HOME"])))
    until(lambda: process.poll() is not None or '"api"' in output.read_text(), 240)
    assert process.poll() is None, output.read_text()
    return up


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain"
        time.sleep(0.05)


def ended(process: psutil.Process) -> bool:
    """A zombie has ended; whoever adopted it has only not looked yet."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture(scope="module")
def environment(servers_folder: Path) -> dict[str, str]:
    ports = {f"CUTROOM_{name}_PORT": str(free_port()) for name in PORTS}
    return {**os.environ, **ports, "CUTROOM_HOME": str(servers_folder / "home"), "CUTROOM_API_TOKEN": "not for children"}


@pytest.fixture(scope="module")
def up(environment: dict[str, str], servers_folder: Path) -> Iterator[Up]:
    stack = start(environment, servers_folder / "up.log")
    yield stack
    stack.process.terminate()
    stack.process.wait(60)


def test_nothing_listens_beyond_loopback(up: Up) -> None:
    listening = [
        connection.laddr.ip
        for process in up.family()
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= len(PORTS)
    assert set(listening) == {"127.0.0.1"}


def test_each_process_is_given_its_own_secrets_and_no_other(up: Up) -> None:
    secrets = {"CUTROOM_DATABASE_URL", "CUTROOM_DATABASE_SYSTEM_URL", "CUTROOM_DATABASE_OWNER_URL"}
    secrets |= {
        "CUTROOM_S3_ACCESS_KEY",
        "CUTROOM_S3_SECRET_KEY",
        "CUTROOM_API_TOKEN",
        "CUTROOM_LANGUAGE_API_KEY",
        "CUTROOM_SMTP_URL",
    }
    cards = {"CUTROOM_STRIPE_LIVE_KEY", "CUTROOM_STRIPE_TEST_KEY"}
    hooks = {"CUTROOM_STRIPE_WEBHOOK_SECRETS"}
    secrets |= cards | hooks
    given = {name: secrets & psutil.Process(up.pid(name)).environ().keys() for name in PROCESSES}
    store = {"CUTROOM_S3_ACCESS_KEY", "CUTROOM_S3_SECRET_KEY"}
    databases = {"CUTROOM_DATABASE_URL", "CUTROOM_DATABASE_SYSTEM_URL"}
    assert given == {
        "api": databases | cards | hooks | store,
        "control": databases | store,
        "outbound": {"CUTROOM_DATABASE_URL", "CUTROOM_LANGUAGE_API_KEY", "CUTROOM_SMTP_URL"} | cards | store,
        "media": {"CUTROOM_DATABASE_URL"} | store,
        "gpu": {"CUTROOM_DATABASE_URL"} | store,
    }
    assert secrets & psutil.Process(up.pid("cards")).environ().keys() == cards | hooks
    for server in set(SERVERS) - {"cards"}:
        assert not secrets & psutil.Process(up.pid(server)).environ().keys()


def test_no_secret_is_on_a_command_line(up: Up) -> None:
    words = " ".join(word for process in up.family() for word in process.cmdline())
    made = up.home.secrets()
    assert not any(
        secret in words for secret in (made.superuser, made.app, made.system, made.owner, made.s3_secret_key, made.card_live_key)
    )


def test_secrets_and_token_are_readable_by_their_owner_alone(up: Up) -> None:
    for name in ("token", "secrets.json", "run.json"):
        assert stat.S_IMODE((up.home.path / name).stat().st_mode) == 0o600


def test_the_local_token_opens_the_api(up: Up) -> None:
    token = up.home.token_file.read_text().strip()
    answer = httpx.get(f"{up.run()['addresses']['api']}/v1/credits", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text


def test_the_doctor_finds_a_running_stack_well(up: Up) -> None:
    done = command_line(up.environment, "doctor", "--json")
    found = {each["part"]: each["state"] for each in json.loads(done.stdout)}
    assert {found[f"running {part}"] for part in (*SERVERS, *PROCESSES)} == {"ok"}
    assert found["reached by the api"] == "ok"
    assert done.returncode == 0


def test_a_second_start_in_the_same_home_is_refused(up: Up) -> None:
    second = command_line(up.environment, "up")
    assert second.returncode == 3
    assert "already runs" in second.stderr


@pytest.mark.parametrize(
    "parts", [["postgres"], ["temporal"], ["s3"], ["cards"], list(PROCESSES)], ids=[*SERVERS, "api-and-workers"]
)
def test_killed_parts_come_back(up: Up, parts: list[str]) -> None:
    before = {part: up.pid(part) for part in parts}
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    until(lambda: all(up.pid(part) != before[part] and up.run()["parts"][part]["healthy"] for part in parts))


def test_after_a_kill_of_the_supervisor_nothing_is_left_and_the_next_start_works(
    environment: dict[str, str], up: Up, tmp_path: Path
) -> None:
    family = up.family()
    assert len(family) >= len(SERVERS) + len(PROCESSES)
    up.process.kill()
    again = start(environment, tmp_path / "again.log")
    assert all(ended(process) for process in family)
    family = again.family()
    again.process.send_signal(signal.SIGINT)
    assert again.process.wait(60) == 130
    assert all(ended(process) for process in family)
    assert not again.home.run_file.exists()


def test_a_taken_port_is_refused_with_the_setting_that_moves_it(environment: dict[str, str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = command_line({**environment, "CUTROOM_HOME": str(tmp_path / "home"), "CUTROOM_S3_PORT": port}, "up")
    assert refused.returncode == 3
    assert f"Port {port}" in refused.stderr
    assert "CUTROOM_S3_PORT" in refused.stderr


def command_line(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from cutroom.cli import main; main()", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
