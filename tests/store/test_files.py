"""Local copies are the very bytes, are fetched once and evicted oldest first; scratch folders leave nothing behind."""

import asyncio
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from cutroom.contracts.base import ArtifactRef
from cutroom.errors import ArtifactMissing, Unreachable
from cutroom.settings import Settings
from cutroom.store import files as store_files
from cutroom.store.files import IN_USE_S, LocalFiles
from cutroom.store.objects import ObjectStore

Put = Callable[[str, bytes], Awaitable[ArtifactRef]]


@pytest.fixture
def files(tmp_path: Path, objects: ObjectStore) -> LocalFiles:
    """A cache of ten bytes."""
    return LocalFiles(tmp_path / "cache", tmp_path / "scratch", objects, 10)


@pytest.fixture
def put(objects: ObjectStore, key: str, tmp_path: Path) -> Put:
    """Puts an object of this name and these bytes."""

    async def put(name: str, data: bytes) -> ArtifactRef:
        path = tmp_path / name
        path.write_bytes(data)
        ref = ArtifactRef(key=f"{key}/{name}", sha256=hashlib.sha256(data).hexdigest(), size=len(data))
        assert await objects.put_once(ref.key, path, ref.sha256, "text/plain")
        return ref

    return put


def age(path: Path) -> None:
    """Make the copy look as if it was last used before the time in which none is evicted."""
    long_ago = time.time() - 2 * IN_USE_S
    os.utime(path, (long_ago, long_ago))


async def test_a_verified_file_is_adopted_and_never_fetched(files: LocalFiles, tmp_path: Path) -> None:
    """Nothing of that name is in the store."""
    path = tmp_path / "verified"
    path.write_bytes(b"bytes")
    ref = ArtifactRef(key="never/put.bin", sha256=hashlib.sha256(b"bytes").hexdigest(), size=5)
    files.adopt(ref, path)
    files.adopt(ref, path)
    path.unlink()
    assert (await files.ensure_local(ref)).read_bytes() == b"bytes"


async def test_a_copy_is_fetched_once_and_needs_the_store_no_more(files: LocalFiles, objects: ObjectStore, put: Put) -> None:
    ref = await put("talk.mp4", b"bytes")
    first = await files.ensure_local(ref)
    assert (first.read_bytes(), first.suffix) == (b"bytes", ".mp4")
    await objects.delete(ref.key)
    assert await asyncio.gather(*(files.ensure_local(ref) for _ in range(5))) == [first] * 5


async def test_a_lost_object_is_a_missing_artifact(files: LocalFiles, objects: ObjectStore, put: Put) -> None:
    ref = await put("talk.mp4", b"bytes")
    await objects.delete(ref.key)
    with pytest.raises(ArtifactMissing):
        await files.ensure_local(ref)


async def test_other_bytes_than_named_are_never_handed_out(files: LocalFiles, put: Put, tmp_path: Path) -> None:
    ref = await put("talk.mp4", b"bytes")
    with pytest.raises(Unreachable) as caught:
        await files.ensure_local(ref.model_copy(update={"sha256": hashlib.sha256(b"other").hexdigest()}))
    assert caught.value.code == "object_damaged"
    assert list((tmp_path / "cache").iterdir()) == list((tmp_path / "scratch").iterdir()) == []


async def test_the_longest_unused_copy_makes_room(files: LocalFiles, put: Put) -> None:
    older, newer, next_ = [await put(name, name.encode() * 4) for name in "abc"]
    first, second = [await files.ensure_local(ref) for ref in (older, newer)]
    age(first)
    age(second)
    await files.ensure_local(older)
    third = await files.ensure_local(next_)
    assert [path.exists() for path in (first, second, third)] == [True, False, True]


async def test_a_copy_just_handed_out_stays_though_the_cache_is_full(files: LocalFiles, put: Put) -> None:
    copies = [await files.ensure_local(await put(name, b"12345678" + name.encode())) for name in "abc"]
    assert all(copy.exists() for copy in copies)


async def test_a_held_copy_lasts_as_long_as_its_folder(files: LocalFiles, put: Put) -> None:
    ref = await put("talk.mp4", b"12345678")
    with files.scratch() as folder:
        held = await files.ensure_local(ref, hold=folder)
        assert await files.ensure_local(ref, hold=folder) == held
        cached = await files.ensure_local(ref)
        age(cached)
        await files.ensure_local(await put("other.mp4", b"87654321"))
        assert not cached.exists()
        assert held.read_bytes() == b"12345678"
    assert not held.exists()


async def test_a_copy_that_need_not_stay_goes_after_its_last_reader(
    files: LocalFiles, put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_files, "HELD_S", 0.0)
    source, clip = await put("talk.mp4", b"1"), await put("clip.mp4", b"2")
    kept = await files.ensure_local(source)

    async def copies_a_while_later() -> set[Path]:
        for _ in range(10):
            await asyncio.sleep(0)
        return set((tmp_path / "cache").iterdir()) - {kept}

    with files.scratch() as folder:
        held = await files.ensure_local(clip, folder, stays_s=0)
        await files.ensure_local(clip, folder, stays_s=0)
        assert {path.name for path in await copies_a_while_later()} == {held.name}
    assert await copies_a_while_later() == set()
    assert kept.exists()
    assert (await files.ensure_local(clip)).read_bytes() == b"2"


async def test_a_copy_asked_for_again_soon_has_not_gone(files: LocalFiles, objects: ObjectStore, put: Put) -> None:
    clip = await put("clip.mp4", b"2")
    with files.scratch() as folder:
        await files.ensure_local(clip, folder, stays_s=store_files.PASSING_S)
    await objects.delete(clip.key)
    assert (await files.ensure_local(clip, stays_s=store_files.PASSING_S)).read_bytes() == b"2"


class StoreOnAFullDisk(ObjectStore):
    async def fetch(self, key: str, path: Path, on_bytes: object = None) -> None:
        """The kernel's own way of being full."""
        await super().fetch(key, path)
        await asyncio.to_thread(shutil.copyfile, path, "/dev/full")


async def test_a_full_disk_says_what_to_do(store_settings: Settings, put: Put, tmp_path: Path) -> None:
    files = LocalFiles(tmp_path / "cache", tmp_path / "scratch", StoreOnAFullDisk(store_settings), 10)
    with pytest.raises(Unreachable, match="CUTROOM_CACHE_BYTES") as caught:
        await files.ensure_local(await put("talk.mp4", b"bytes"))
    assert caught.value.code == "disk_full"
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_scratch_folder_is_gone_afterwards_however_it_ends(files: LocalFiles, tmp_path: Path) -> None:
    def work_and_fail() -> None:
        with files.scratch() as folder:
            (folder / "frames").mkdir()
            (folder / "frames" / "1.png").write_bytes(b"1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work_and_fail()
    assert list((tmp_path / "scratch").iterdir()) == []


def test_sweeping_removes_what_dead_processes_left_and_nothing_else(files: LocalFiles, tmp_path: Path) -> None:
    script = """
import os, sys
from pathlib import Path
from cutroom.settings import Settings
from cutroom.store.files import LocalFiles
from cutroom.store.objects import ObjectStore
root = Path(sys.argv[1])
with LocalFiles(root / "cache", root / "scratch", ObjectStore(Settings(s3_region="us-east-1")), 10).scratch() as folder:
    (folder / "file").write_bytes(b"left behind")
    os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False).returncode == 9
    assert len(list((tmp_path / "scratch").iterdir())) == 1
    with files.scratch() as ours:
        reused = ours.with_name(f"{os.getpid()}.1-another-process-had-our-id")
        reused.mkdir()
        files.sweep()
        assert list((tmp_path / "scratch").iterdir()) == [ours]
