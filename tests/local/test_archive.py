"""An archive gives back what was put in, and never anything else."""

import io
import json
import random
import zipfile
from pathlib import Path

import pytest

from cutroom.errors import BadInput, InvalidRequest, SetupError
from cutroom.local import restore
from cutroom.local.archive import CHUNK, DUMP, MANIFEST, OBJECTS, TEMPORAL, Manifest, reading, writing

BYTES = {TEMPORAL: b"sqlite" * 1000, DUMP: random.Random(1).randbytes(3 * CHUNK + 17), f"{OBJECTS}org/o/ümlaut.mp4": b"video"}
FACTS = {"cutroom": "0", "created_at": "2026-01-01T00:00:00Z", "held_s": 0.01, "database_bytes": 1, "rows": {"jobs": 2}}


def nothing(*_: int) -> None: ...


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return write(tmp_path / "archive")


def write(file: Path, revision: str = "0001", **facts: object) -> Path:
    with file.open("wb") as stream, writing(stream) as writer:
        for name, content in BYTES.items():
            writer.add(name, io.BytesIO(content), nothing, content_type="video/mp4", compress=name == TEMPORAL)
        writer.finish(Manifest(revision=revision, members=writer.members, **(FACTS | facts)))
    return file


def read(file: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with reading(file) as reader:
        for member in reader.manifest.members:
            pieces: list[bytes] = []
            reader.copy(member, pieces.append, nothing)
            found[member.name] = b"".join(pieces)
    return found


def test_what_is_put_in_comes_out(archive: Path) -> None:
    assert read(archive) == BYTES
    with reading(archive) as reader:
        assert reader.manifest.rows == {"jobs": 2}
        assert {member.content_type for member in reader.manifest.members} == {"video/mp4"}


def test_a_flipped_bit_is_found_or_changes_nothing(archive: Path) -> None:
    whole = archive.read_bytes()
    small_parts = whole.rindex(MANIFEST.encode(), 0, whole.rindex(MANIFEST.encode()))
    chance = random.Random(1)
    for place in (*chance.choices(range(len(whole)), k=50), *chance.choices(range(small_parts, len(whole)), k=300)):
        content = bytearray(whole)
        content[place] ^= 1 << chance.randrange(8)
        archive.write_bytes(content)
        assert outcome(archive) in ("as written", "backup_damaged", "backup_too_new"), place


def outcome(file: Path) -> str:
    try:
        return "as written" if read(file) == BYTES else "other bytes"
    except (BadInput, SetupError) as error:
        return error.code


@pytest.mark.parametrize("kept", [0, 0.1, 0.5, 0.99])
def test_half_an_archive_is_none(archive: Path, kept: float) -> None:
    content = archive.read_bytes()
    archive.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(BadInput, match="not all of one"):
        restore.check(archive, nothing)


def test_other_bytes_under_a_right_index_are_found(archive: Path, tmp_path: Path) -> None:
    forged = tmp_path / "forged"
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(forged, "w") as new:
        for name in old.namelist():
            new.writestr(name, b"VIDEO" if name.startswith(OBJECTS) else old.read(name))
    with pytest.raises(BadInput, match="not all of one"):
        restore.check(forged, nothing)


def test_a_member_that_the_manifest_does_not_name_is_found(archive: Path) -> None:
    with zipfile.ZipFile(archive, "a") as more:
        more.writestr(f"{OBJECTS}added", b"")
    with pytest.raises(BadInput, match="not all of one"):
        restore.check(archive, nothing)


def test_a_newer_format_is_refused_whatever_its_manifest_looks_like(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "newer", "w") as newer:
        newer.writestr(MANIFEST, json.dumps({"format": 2, "parts": []}))
    with pytest.raises(SetupError) as refused:
        restore.check(tmp_path / "newer", nothing)
    assert refused.value.code == "backup_too_new"


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError) as refused:
        restore.check(write(tmp_path / "newer", revision="9999"), nothing)
    assert refused.value.code == "backup_too_new"


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest) as refused:
        restore.check(tmp_path / "nowhere", nothing)
    assert refused.value.code == "file_not_found"


def test_a_file_that_cannot_be_read_is_not_called_damaged(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="Is a directory") as refused:
        restore.check(tmp_path, nothing)
    assert refused.value.code == "file_unreadable"
