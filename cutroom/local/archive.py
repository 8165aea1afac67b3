"""The file that a backup is: a zip whose manifest names every member with its size and SHA-256.

A zip keeps its index at the end, so that a dump is written while it is made, its size unknown; a file that breaks off is no zip;
and the manifest, written last, is read first. Media does not compress and is stored as it is.
"""

import errno
import hashlib
import json
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from cutroom.contracts.base import Frozen
from cutroom.errors import BadInput, InvalidRequest, SetupError

FORMAT = 1
MANIFEST, TEMPORAL, DUMP, OBJECTS = "manifest.json", "temporal.db", "database.dump", "objects/"
CHUNK = 1 << 20
_OF_ZIPFILE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error)


class Member(Frozen):
    """One file of the archive. `size` in bytes, before compression; `sha256` in hex. `content_type` for objects."""

    name: str
    size: int
    sha256: str
    content_type: str = ""


class Manifest(Frozen):
    """What an archive holds. `revision` is the database's newest migration, `rows` counts the rows of each table.

    `held_s`: seconds for which the processes were held. `missing`, `damaged`: keys of objects that the database names and
    the store no longer had, or had with other bytes.
    """

    format: int = FORMAT
    cutroom: str
    revision: str
    created_at: datetime
    held_s: float
    database_bytes: int
    rows: dict[str, int]
    missing: list[str] = []
    damaged: list[str] = []
    members: list[Member]

    @property
    def size(self) -> int:
        """Bytes of all members."""
        return sum(member.size for member in self.members)

    @property
    def objects(self) -> int:
        """How many objects there are."""
        return sum(member.name.startswith(OBJECTS) for member in self.members)


class Writer:
    """Adds members to a new archive."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.members: list[Member] = []
        self._zip = archive

    def add(
        self, name: str, source: IO[bytes], on_bytes: Callable[[int], None], *, content_type: str = "", compress: bool = False
    ) -> Member:
        """Copy `source` to its end; `on_bytes(count)` is called with each piece."""
        size, digest = 0, hashlib.sha256()
        with self._zip.open(_info(name, compress), "w", force_zip64=True) as target:
            while piece := source.read(CHUNK):
                target.write(piece)
                digest.update(piece)
                size += len(piece)
                on_bytes(len(piece))
        self.members.append(Member(name=name, size=size, sha256=digest.hexdigest(), content_type=content_type))
        return self.members[-1]

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest and the index."""
        self._zip.writestr(_info(MANIFEST, compress=True), manifest.model_dump_json(indent=1))
        self._zip.close()


class Reader:
    """Reads an archive.

    Every method raises BadInput (`backup_damaged`) where it is not what was written, and InvalidRequest (`file_unreadable`)
    where the disk does not give it.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._zip = archive
        self.manifest = _manifest(archive)
        self.members = {member.name: member for member in self.manifest.members}
        if {MANIFEST, *self.members} != set(archive.namelist()):
            raise _damaged()

    def copy(self, member: Member, write: Callable[[bytes], object], on_bytes: Callable[[int], None]) -> None:
        """Hand the member's bytes to `write` piece by piece; they are its bytes only once this returns."""
        size, digest = 0, hashlib.sha256()
        for piece in self._pieces(member.name):
            write(piece)
            digest.update(piece)
            size += len(piece)
            on_bytes(len(piece))
        if (size, digest.hexdigest()) != (member.size, member.sha256):
            raise _damaged()

    def _pieces(self, name: str) -> Iterator[bytes]:
        with _damage_said(), self._zip.open(name) as source:
            while piece := source.read(CHUNK):
                yield piece


@contextmanager
def writing(file: IO[bytes]) -> Iterator[Writer]:
    """Begins an archive; without `finish` it is none."""
    archive = zipfile.ZipFile(file, "w")
    try:
        yield Writer(archive)
    finally:
        archive.fp = None  # else an archive that was given up is finished by the garbage collector


@contextmanager
def reading(file: Path) -> Iterator[Reader]:
    """Opens an archive.

    Raises InvalidRequest (`file_not_found`, `file_unreadable`), BadInput (`backup_damaged`), and SetupError (`backup_too_new`)
    where a newer Cutroom made it.
    """
    with _damage_said():
        archive = zipfile.ZipFile(file)
    with archive:
        yield Reader(archive)


def too_new() -> SetupError:
    return SetupError("A newer Cutroom made this backup: restore it with that version or a later one.", code="backup_too_new")


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    with _damage_said():
        found: Any = json.loads(archive.read(MANIFEST))
        if found["format"] > FORMAT:
            raise too_new()
        return Manifest.model_validate(found)


def _info(name: str, compress: bool) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    info.external_attr = 0o600 << 16
    return info


@contextmanager
def _damage_said() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise InvalidRequest(f"There is no file {error.filename}.", code="file_not_found") from error
    except OSError as error:
        if error.errno in (None, errno.EINVAL):  # bytes that cannot be unpacked, or an index that points nowhere
            raise _damaged() from error
        detail = f"The file cannot be read ({error.strerror}): correct its path or its rights, or take another copy."
        raise InvalidRequest(detail, code="file_unreadable") from error
    except (*_OF_ZIPFILE, EOFError, LookupError, ValueError, TypeError, RuntimeError) as error:
        raise _damaged() from error


def _damaged() -> BadInput:
    return BadInput("This is no backup, or not all of one as it was written: take another copy.", code="backup_damaged")
