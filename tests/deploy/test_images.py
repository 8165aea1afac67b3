"""The images: what they say of themselves, what is in them, and their own commands, run as plain processes of their account."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from cutroom.local.ports import free_port
from cutroom.settings import Settings
from tests.conftest import DatabaseUrls, S3Server, TemporalServer
from tests.deploy.dockerfile import DOCKERFILE, ROOT, Image, image, stages

TARGETS = ("api", "cpu", "gpu")
PACKAGES = ("activities", "api", "cutroom", "worker_cpu", "worker_gpu", "workflows")
LOCKS = ROOT / "deploy/requirements"
ACCOUNT = 10001
START_S = 90
DRAIN_S = Settings.model_fields["drain_s"].default
CANCEL_S = 10
NAMESPACE = "images"  # of their own: the control worker would otherwise take up what other tests left behind


# --- what they say ----------------------------------------------------------------------------------------------------------


def test_the_dockerfile_is_clean() -> None:
    found = subprocess.run([Path(sys.executable).with_name("hadolint"), DOCKERFILE], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "")


def test_all_images_stand_on_one_base_pinned_by_tag_and_digest() -> None:
    bases = {base for base, _ in stages().values() if base not in stages()}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm@sha256:[0-9a-f]{64}", bases.pop())


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_says_who_it_runs_as_how_it_is_asked_and_how_it_is_stopped(target: str) -> None:
    found = image(target)
    assert found.user == f"{ACCOUNT}:{ACCOUNT}"
    assert found.stop_signal == "SIGTERM"
    assert found.entrypoint[0] == "dumb-init"
    assert found.command[:2] == ["python", "-m"]
    assert found.health[0] == "python"
    assert found.ports == [found.env["CUTROOM_API_PORT" if target == "api" else "CUTROOM_METRICS_PORT"]]
    assert found.env["CUTROOM_HOME"] == found.env["HOME"] == found.folder
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in found.labels.items()}
    assert labels.keys() == {"title", "licenses", "version", "revision", "source"}
    assert labels["licenses"] == "AGPL-3.0-or-later"


# --- what is in them --------------------------------------------------------------------------------------------------------


def pinned(lock: Path) -> set[tuple[str, str, frozenset[str]]]:
    """Name, version and hashes of each package."""
    entries = re.findall(r"^([a-z0-9._-]+)==(\S+)[^\n]*((?:\n +--hash=\S+(?: \\)?)+)", lock.read_text(), re.MULTILINE)
    return {(name, version, frozenset(re.findall(r"sha256:[0-9a-f]{64}", hashes))) for name, version, hashes in entries}


@pytest.mark.parametrize("lock", ["build", *TARGETS])
def test_an_image_installs_what_everything_is_tested_with(lock: str) -> None:
    found = pinned(LOCKS / f"{lock}.lock")
    assert found
    assert found <= pinned(ROOT / "requirements.lock")


@pytest.mark.parametrize("target", ["api", "cpu"])
def test_only_the_gpu_image_holds_model_libraries(target: str) -> None:
    """The cpu image has onnxruntime, for the small network that tells voices from noise."""
    small = "onnxruntime" if target == "cpu" else "none"
    models = re.compile(
        rf"torch|nvidia|triton|cuda|ultralytics|whisper|ctranslate|transnet|nudenet|(?!{small})onnx|opencv|pocketsphinx"
    )
    names = {name for name, _, _ in pinned(LOCKS / f"{target}.lock")}
    assert not {name for name in names if models.search(name)}
    assert {name for name, _, _ in pinned(LOCKS / "gpu.lock") if models.search(name)}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cutroom's wheel, built as the image builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT)
    return next(folder.glob("*.whl"))


def test_the_wheel_carries_migrations_and_data(wheel: Path) -> None:
    listed = run(["git", "-c", "safe.directory=*", "ls-files", *PACKAGES], cwd=ROOT).splitlines()
    assert "cutroom/store/migrations/versions/0001_foundation.py" in listed
    assert set(listed) <= set(zipfile.ZipFile(wheel).namelist())


# --- their commands ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Installed:
    """An image's virtual environment and home, outside of it. `account`: whom its processes run as; None: as we do."""

    image: Image
    venv: Path
    home: Path
    account: int | None

    def start(self, command: Sequence[str], given: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
        """A command in the image's folder and environment; `given` is what a deployment adds."""
        environment = {name: self._placed(value) for name, value in self.image.env.items()} | given
        program = shutil.which(command[0], path=environment["PATH"])
        assert program is not None
        groups = None if self.account is None else []
        with log.open("ab") as said:
            return subprocess.Popen(
                [program, *command[1:]],
                cwd=self.home,
                env=environment,
                stdout=said,
                stderr=said,
                user=self.account,
                group=self.account,
                extra_groups=groups,
                start_new_session=True,
            )

    def _placed(self, value: str) -> str:
        return value.replace("/opt/cutroom", str(self.venv)).replace(self.image.folder, str(self.home))


@dataclass(frozen=True)
class Running:
    """A process as its image starts it, and how the image asks after its health."""

    installed: Installed
    given: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes]

    def healthy(self) -> bool:
        return self.installed.start(self.installed.image.health, self.given, self.log.with_suffix(".health")).wait() == 0

    def becomes_healthy(self) -> None:
        deadline = time.monotonic() + START_S
        while not self.healthy():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()

    def ends_as_asked(self, within_s: float) -> None:
        self.process.send_signal(signal.Signals[self.installed.image.stop_signal])
        assert self.process.wait(within_s) == 0, self.log.read_text()


@contextmanager
def started(installed: Installed, command: Sequence[str], given: Mapping[str, str], log: Path) -> Iterator[Running]:
    """`command` by the image's entrypoint, on free ports; it does not outlive the body."""
    given = {**given, "CUTROOM_API_PORT": str(free_port()), "CUTROOM_METRICS_PORT": str(free_port())}
    process = installed.start([*installed.image.entrypoint, *command], given, log)
    try:
        yield Running(installed, given, log, process)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def run(command: Sequence[str | Path], cwd: Path) -> str:
    """What a command of ours says; it has to succeed."""
    return subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, text=True, check=True).stdout


def python_and_account() -> tuple[str, int | None]:
    """A Python 3.11, and the images' account where we may become it and it can start that one: ours may be root's alone."""
    ours = os.path.realpath(sys.executable)
    if os.geteuid() == 0:
        for python in filter(None, (ours, shutil.which("python3.11", path=os.defpath))):
            try:
                subprocess.run([python, "-V"], user=ACCOUNT, capture_output=True, check=True)
            except PermissionError:
                continue
            return python, ACCOUNT
    return ours, None


@pytest.fixture(scope="module")
def installed(servers_folder: Path, wheel: Path) -> dict[str, Installed]:
    """api and cpu from their locks alone. gpu, whose packages are several GB, in the environment of development."""
    folder = servers_folder / "images"
    folder.mkdir(mode=0o755)
    python, account = python_and_account()
    uv = max(ROOT.glob(".tools/*/bin/uv"))
    result = {}
    for target in TARGETS:
        venv, home, owner = folder / f"{target}-venv", folder / target, account
        if target == "gpu":
            venv, owner = ROOT / ".venv", None
        else:
            install = [uv, "pip", "install", "--quiet", "--no-deps", "--python", venv / "bin/python"]
            run([uv, "venv", "--quiet", "--python", python, venv], cwd=folder)
            run([*install, "--require-hashes", "-r", LOCKS / f"{target}.lock"], cwd=folder)
            run([*install, wheel], cwd=folder)
        home.mkdir(mode=0o700)
        if owner is not None:
            os.chown(home, owner, owner)
        result[target] = Installed(image(target), venv, home, owner)
    return result


@pytest.fixture(scope="module")
def known(database_urls: DatabaseUrls, s3_server: S3Server, temporal_server: TemporalServer) -> dict[str, str]:
    """What every process is told."""
    return {
        "CUTROOM_DATABASE_URL": database_urls.app,
        "CUTROOM_TEMPORAL_ADDRESS": temporal_server.address,
        "CUTROOM_TEMPORAL_NAMESPACE": NAMESPACE,
        "CUTROOM_S3_ENDPOINT": s3_server.endpoint,
        "CUTROOM_S3_ACCESS_KEY": s3_server.access_key,
        "CUTROOM_S3_SECRET_KEY": s3_server.secret_key,
        "CUTROOM_S3_BUCKET": s3_server.bucket,
    }


@pytest.fixture(scope="module")
def running(
    installed: dict[str, Installed], known: dict[str, str], database_urls: DatabaseUrls, servers_folder: Path
) -> Iterator[dict[str, Running]]:
    """A whole deployment, prepared and started in its order."""
    logs = servers_folder / "images"
    system = {"CUTROOM_DATABASE_SYSTEM_URL": database_urls.system}
    owner = {"CUTROOM_DATABASE_OWNER_URL": database_urls.owner}
    with started(installed["cpu"], ["cutroom", "prepare"], known | system | owner, logs / "prepare.log") as prepare:
        assert prepare.process.wait(START_S) == 0, prepare.log.read_text()
    processes = {
        "api": ("api", image("api").command, known | system),
        "control": ("cpu", ["python", "-m", "worker_cpu", "control"], known | system),
        "outbound": ("cpu", ["python", "-m", "worker_cpu", "outbound"], known),
        "media": ("cpu", image("cpu").command, known),
        "gpu": ("gpu", image("gpu").command, known),
    }
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(started(installed[target], command, given, logs / f"{name}.log"))
            for name, (target, command, given) in processes.items()
        }


@pytest.mark.parametrize("name", ["api", "control", "outbound", "media", "gpu"])
def test_a_process_becomes_healthy_as_its_image_asks_and_ends_with_0_on_its_stop_signal(
    running: dict[str, Running], name: str
) -> None:
    running[name].becomes_healthy()
    running[name].ends_as_asked(within_s=DRAIN_S + CANCEL_S)
    assert not running[name].healthy()


def test_a_worker_that_still_waits_for_temporal_ends_at_once(
    installed: dict[str, Installed], known: dict[str, str], servers_folder: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        given = known | {"CUTROOM_TEMPORAL_ADDRESS": f"127.0.0.1:{silent.getsockname()[1]}"}
        with started(installed["cpu"], image("cpu").command, given, servers_folder / "images/waiting.log") as media:
            silent.settimeout(START_S)
            with silent.accept()[0]:
                media.ends_as_asked(within_s=CANCEL_S)


def test_a_command_says_which_package_its_image_leaves_out(installed: dict[str, Installed], servers_folder: Path) -> None:
    log = servers_folder / "images/models.log"
    assert installed["api"].start(["cutroom", "models"], {}, log).wait() == 3
    assert "package numpy" in log.read_text()
