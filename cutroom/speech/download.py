"""Fetching a published file: with its progress, going on where it broke off, and kept only where its SHA-256 is right."""

import fcntl
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

import httpx

TIMEOUT_S = 10.0
MIB = 1024 * 1024
FORGET_S = 600.0
WAIT_S = 0.5

_asked: dict[str, tuple[float, bool]] = {}


class WrongBytes(Exception):
    """The publisher sent something else than was published."""


def reachable(url: str) -> bool:
    """Whether a file can be had from its publisher; asks for half of TIMEOUT_S at most, and again only after ten minutes."""
    asked_at, answer = _asked.get(url, (-FORGET_S, False))
    if monotonic() - asked_at >= FORGET_S:
        answers: list[bool] = []
        # httpx bounds each step and each of several addresses, and asking for a name not at all; so a thread is waited for.
        asking = Thread(target=lambda: answers.append(_answers(url)), daemon=True)
        asking.start()
        asking.join(TIMEOUT_S / 2)
        answer = answers == [True]
        _asked[url] = monotonic(), answer
    return answer


def _answers(url: str) -> bool:
    try:
        return httpx.head(url, timeout=TIMEOUT_S / 2, follow_redirects=True).is_success
    except httpx.HTTPError:
        return False


def download(url: str, target: Path, sha256: str, told: Callable[[float], None]) -> None:
    """Fetch a file; `told(share)` after each MiB. What broke off lies beside it as `.part`, and the next call goes on from there.

    Of several processes one fetches and the others wait. Raises httpx.HTTPError, WrongBytes.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with alone_with(target, told):
        if target.is_file():
            return
        part = target.with_name(target.name + ".part")
        have = part.stat().st_size if part.is_file() else 0
        headers = {"Range": f"bytes={have}-"} if have else {}
        with httpx.stream("GET", url, timeout=TIMEOUT_S, headers=headers, follow_redirects=True) as response:
            if response.status_code != httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                response.raise_for_status()
                goes_on = response.status_code == httpx.codes.PARTIAL_CONTENT
                size = (have if goes_on else 0) + int(response.headers.get("content-length", 0))
                with part.open("ab" if goes_on else "wb") as file:
                    for block in response.iter_bytes(MIB):
                        file.write(block)
                        told(min(1.0, file.tell() / size) if size else 0.0)
        if sha256_of(part) != sha256:
            part.unlink()
            raise WrongBytes
        part.replace(target)


@contextmanager
def alone_with(target: Path, told: Callable[[float], None]) -> Iterator[None]:
    """Keep other processes away from a file that is being fetched; `told(0.0)` while another one does so."""
    with target.with_name(f".{target.name}.lock").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                told(0.0)
                sleep(WAIT_S)
        yield


def sha256_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
