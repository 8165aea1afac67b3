"""Fetching a published file: with its progress, going on where it broke off, and kept only where its SHA-256 is right."""

import fcntl
import hashlib
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import httpx

TIMEOUT_S = 10.0
MIB = 1024 * 1024
FORGET_S = 600.0

_asked: dict[str, tuple[float, bool]] = {}


class WrongBytes(Exception):
    """The publisher sent something else than was published."""


def reachable(url: str) -> bool:
    """Whether a file can be had from its publisher; asks for half of TIMEOUT_S at most, and again only after ten minutes."""
    asked_at, answer = _asked.get(url, (-FORGET_S, False))
    if monotonic() - asked_at >= FORGET_S:
        try:
            answer = httpx.head(url, timeout=TIMEOUT_S / 2, follow_redirects=True).is_success
        except httpx.HTTPError:
            answer = False
        _asked[url] = monotonic(), answer
    return answer


def download(url: str, target: Path, sha256: str, told: Callable[[float], None]) -> None:
    """Fetch a file; `told(share)` after each MiB. What broke off lies beside it as `.part`, and the next call goes on from there.

    Of several processes one fetches and the others wait. Raises httpx.HTTPError, WrongBytes.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    have = part.stat().st_size if part.is_file() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    with httpx.stream("GET", url, timeout=TIMEOUT_S, headers=headers, follow_redirects=True) as response:
        if response.status_code != httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            response.raise_for_status()
            with part.open("ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                if target.is_file():
                    return
                if response.status_code != httpx.codes.PARTIAL_CONTENT or part.stat().st_size != have:
                    file.truncate(0)
                    have = 0
                    if response.status_code == httpx.codes.PARTIAL_CONTENT:
                        raise httpx.ReadError("another process has fetched a part of this file meanwhile")
                size = have + int(response.headers.get("content-length", 0))
                for block in response.iter_bytes(MIB):
                    file.write(block)
                    told(min(1.0, file.tell() / size) if size else 0.0)
    if sha256_of(part) != sha256:
        part.unlink()
        raise WrongBytes
    part.replace(target)


def sha256_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
