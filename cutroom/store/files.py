"""Files on this worker's disk: verified copies of artifacts, and scratch folders that never outlive their process long."""

import asyncio
import errno
import hashlib
import math
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from weakref import WeakValueDictionary

import psutil

from cutroom.contracts.base import ArtifactRef
from cutroom.errors import ArtifactMissing, NotFound, Unreachable
from cutroom.store.objects import ObjectStore

IN_USE_S = 60.0  # a copy handed out this recently is not evicted; who needs it longer holds it
LONG = math.inf  # as long as there is room
PASSING_S = 20.0  # for what the next step is likely to read, too
HELD_S = 2.0  # between two looks whether a copy that may go is still held


def sha256_of(path: Path) -> str:
    """Hex. Blocks for the reading: call it in a thread."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class LocalFiles:
    """A cache that several processes of one host may share, named by content, and the scratch folders beside it."""

    def __init__(self, cache_dir: Path, scratch_dir: Path, objects: ObjectStore, cache_bytes: int) -> None:
        """Both folders lie on one file system. `cache_bytes`: the oldest copies are evicted above this."""
        self._cache = cache_dir
        self._scratch = scratch_dir
        self._objects = objects
        self._cache_bytes = cache_bytes
        self._passing: set[Path] = set()
        self._fetching: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def ensure_local(
        self, ref: ArtifactRef, hold: Path | None = None, on_bytes: Callable[[int], None] | None = None, *, stays_s: float = LONG
    ) -> Path:
        """A local file with exactly the bytes of `ref`; read it, never write it.

        `hold`: a folder, such as a scratch folder, to link the file into, so that it lasts as long as the folder.
        `stays_s`: how long after it was last asked for the copy goes, once nobody holds it, even if the cache is not full.
        `on_bytes`: see `ObjectStore.fetch`. Raises ArtifactMissing where the store lost it, Unreachable where the store
        is away (`store_unavailable`), gave other bytes (`object_damaged`) or the disk is full (`disk_full`).
        """
        cached = self._copy_of(ref)
        handed_out = cached if hold is None else hold / cached.name
        async with self._fetching.setdefault(ref.sha256, asyncio.Lock()):
            while not await asyncio.to_thread(_hand_out, cached, handed_out):
                await self._fetch(ref, cached, on_bytes)
        if stays_s < LONG and cached not in self._passing:
            self._passing.add(cached)
            asyncio.get_running_loop().call_later(stays_s, self._let_go, cached, stays_s)
        return handed_out

    def adopt(self, ref: ArtifactRef, path: Path) -> None:
        """Take a file that was just verified to be `ref`, so that it need not be fetched again. It stays where it is, too.

        Blocks for a moment where copies have to be evicted. Raises Unreachable (`disk_full`).
        """
        with _disk_full_said():
            self._make_room(ref.size)
            with suppress(FileExistsError):
                os.link(path, self._copy_of(ref))

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """An empty folder, removed at the end with all that is in it."""
        self._scratch.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{_mark(os.getpid())}-", dir=self._scratch))
        try:
            yield folder
        finally:
            shutil.rmtree(folder)

    def sweep(self) -> None:
        """Remove the scratch folders of processes that died; call it at the start."""
        for folder in self._scratch.glob("[0-9]*.[0-9]*-*"):
            mark = folder.name.partition("-")[0]
            if mark != _mark(int(mark.partition(".")[0])):
                shutil.rmtree(folder, ignore_errors=True)

    async def _fetch(self, ref: ArtifactRef, cached: Path, on_bytes: Callable[[int], None] | None) -> None:
        with _disk_full_said(), self.scratch() as folder:
            fresh = folder / "fresh"
            await asyncio.to_thread(self._make_room, ref.size)
            try:
                await self._objects.fetch(ref.key, fresh, on_bytes)
            except NotFound as error:
                raise ArtifactMissing("A file that this step needs is gone; it has to be made again.") from error
            if await asyncio.to_thread(sha256_of, fresh) != ref.sha256:
                raise Unreachable("The object store gave other bytes than were stored; try again.", code="object_damaged")
            os.replace(fresh, cached)

    def _let_go(self, cached: Path, stays_s: float) -> None:
        """Remove a copy, or look again later where somebody holds it or has just asked for it."""
        with suppress(FileNotFoundError):
            stat = cached.stat()
            wait_s = stat.st_mtime + stays_s - time.time()
            if stat.st_nlink > 1 or wait_s > 0:
                asyncio.get_running_loop().call_later(max(wait_s, HELD_S), self._let_go, cached, stays_s)
                return
            cached.unlink()
        self._passing.remove(cached)

    def _copy_of(self, ref: ArtifactRef) -> Path:
        return self._cache / f"{ref.sha256}{Path(ref.key).suffix}"

    def _make_room(self, size: int) -> None:
        """Evict the longest unused copies until `size` more bytes fit."""
        self._cache.mkdir(parents=True, exist_ok=True)
        copies = []
        for entry in os.scandir(self._cache):
            with suppress(FileNotFoundError):
                copies.append((entry.stat().st_mtime, entry.stat().st_size, entry.path))
        used = size + sum(copy[1] for copy in copies)
        for used_at, bytes_, path in sorted(copies):
            if used <= self._cache_bytes or used_at > time.time() - IN_USE_S:
                return
            Path(path).unlink(missing_ok=True)
            used -= bytes_


def _hand_out(cached: Path, link: Path) -> bool:
    """Note that the copy is used now, and give it this second name, if it is one; False: there is no copy."""
    try:
        os.utime(cached)
        if link != cached:
            with suppress(FileExistsError):
                os.link(cached, link)
    except FileNotFoundError:
        return False
    return True


def _mark(pid: int) -> str:
    """Names one process for good: its id, and when it started, since ids come around. Empty: no such process."""
    try:
        return f"{pid}.{int(psutil.Process(pid).create_time())}"
    except psutil.NoSuchProcess:
        return ""


@contextmanager
def _disk_full_said() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        detail = "The worker's disk is full: free some space below CUTROOM_HOME, or lower CUTROOM_CACHE_BYTES."
        raise Unreachable(detail, code="disk_full") from error
