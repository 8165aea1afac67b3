"""A stack is backed up while it runs and while it does not, and a home of its own is made of that again."""

import asyncio
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from pydantic import SecretStr
from rich.console import Console

from cutroom.client import Client
from cutroom.errors import CutroomError
from cutroom.local import backup, restore
from cutroom.local.disk import room_for
from cutroom.local.home import Home
from cutroom.local.locks import only_backup, only_stack
from cutroom.local.stack import storage
from cutroom.settings import Settings
from cutroom.store import migrate
from tests.soak.rig import Rig, until

QUIET = Console(stderr=True, quiet=True)
CAPTIONS = "1\n00:00:00,000 --> 00:00:02,000\nNothing is lost.\n"


def nothing(*_: int) -> None: ...


@dataclass
class BackedUp:
    """What a running stack had, and its backup."""

    file: Path
    facts: dict[str, Any]
    token: str
    ready_id: str
    open_id: str
    completing_id: str


@pytest.fixture(scope="module")
def original(servers_folder: Path) -> Iterator[Rig]:
    recording = servers_folder / "words.srt"
    recording.write_text(CAPTIONS)
    rig = Rig.of(servers_folder / "original", recording)
    rig.start()
    yield rig
    rig.stop()


@pytest.fixture(scope="module")
def backed_up(original: Rig, servers_folder: Path) -> BackedUp:
    """A backup of a stack that has a ready asset, an open upload, and one whose parts are all there but not yet one object.

    The last one needs the control worker to stand still until the backup is done with holding it.
    """
    token = original.home.token_file.read_text().strip()
    with original.client() as client, api(original) as http:
        ready = client.upload(original.recording).id
        open_id = begin_upload(http, b"not yet here")["id"]
        os.kill(original.pid("control"), signal.SIGSTOP)
        completing = whole_upload(http, CAPTIONS.replace("Nothing", "No upload").encode())
    file = servers_folder / "running.cutroom"
    facts = json.loads(original.command("backup", str(file), "--json"))
    return BackedUp(file, facts, token, ready, open_id, completing)


@pytest.fixture(scope="module")
def restored(backed_up: BackedUp, original: Rig, servers_folder: Path) -> Iterator[Rig]:
    """The stack that is made of the backup, after a first restore was killed."""
    place = servers_folder / "restored"
    kill_a_restore(original, backed_up.file, place)
    original.command("restore", str(backed_up.file), CUTROOM_HOME=str(place))
    rig = Rig.of(place, original.recording)
    rig.start()
    yield rig
    rig.stop()


def kill_a_restore(rig: Rig, file: Path, place: Path) -> None:
    """Kill one while it fills the new home: it has done nothing."""
    command = [sys.executable, "-c", "from cutroom.cli import main; main()", "restore", str(file)]
    environment = {**rig.environment, "CUTROOM_HOME": str(place)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until((place.with_name("restored.restoring") / "temporal" / "temporal.db").exists, 60)
        process.kill()
    assert {entry.name for entry in place.iterdir()} == {"logs", "run"}


def api(rig: Rig) -> httpx.Client:
    token = rig.home.token_file.read_text().strip()
    return httpx.Client(base_url=rig.run()["addresses"]["api"], headers={"Authorization": f"Bearer {token}"}, timeout=60)


def begin_upload(http: httpx.Client, content: bytes) -> dict[str, Any]:
    body = {"filename": "words.srt", "size_bytes": len(content)}
    return dict(http.post("/v1/uploads", json=body).raise_for_status().json())


def whole_upload(http: httpx.Client, content: bytes) -> str:
    """The asset of an upload whose parts are all handed in."""
    upload = begin_upload(http, content)
    wanted = {"parts": [{"number": 1, "sha256": hashlib.sha256(content).hexdigest()}]}
    (part,) = http.post(f"/v1/uploads/{upload['id']}/parts", json=wanted).raise_for_status().json()["urls"]
    httpx.put(part["url"], content=content, headers=part["headers"]).raise_for_status()
    http.post(f"/v1/uploads/{upload['id']}/complete").raise_for_status()
    return str(upload["asset_id"])


def content_of(rig: Rig, asset_id: str) -> str:
    with api(rig) as http:
        link = http.get(f"/v1/assets/{asset_id}/download").raise_for_status().json()["url"]
    return httpx.get(link).raise_for_status().text


def test_a_running_stack_is_held_for_a_moment_and_goes_on(original: Rig, backed_up: BackedUp) -> None:
    assert 0 < backed_up.facts["held_s"] < 1
    assert not original.home.log("supervisor").exists(), "no part was started again"
    pids = [part["pid"] for part in original.run()["parts"].values()]
    assert psutil.STATUS_STOPPED not in {psutil.Process(pid).status() for pid in pids}
    with api(original) as http:
        until(lambda: http.get(f"/v1/assets/{backed_up.completing_id}").json()["status"] == "ready", 60)


def test_a_backup_is_whole_and_private(backed_up: BackedUp) -> None:
    assert stat.S_IMODE(backed_up.file.stat().st_mode) == 0o600
    assert not list(backed_up.file.parent.glob(".*.part"))
    manifest = restore.check(backed_up.file, nothing)
    assert (manifest.missing, manifest.damaged) == ([], [])
    assert manifest.rows["assets"] == 3
    assert manifest.objects == 2


def test_no_secret_of_the_home_is_in_a_backup(original: Rig, backed_up: BackedUp) -> None:
    made, content = original.home.secrets(), backed_up.file.read_bytes()
    assert not any(secret.encode() in content for secret in (made.superuser, made.owner, made.s3_secret_key, backed_up.token))


def test_what_was_there_is_there_again(restored: Rig, backed_up: BackedUp) -> None:
    assert content_of(restored, backed_up.ready_id) == CAPTIONS
    assert Client(restored.run()["addresses"]["api"], backed_up.token).balance().available == 10_000


def test_an_upload_that_was_whole_becomes_an_asset(restored: Rig, backed_up: BackedUp) -> None:
    with api(restored) as http:
        until(lambda: http.get(f"/v1/assets/{backed_up.completing_id}").json()["status"] == "ready", 60)
    assert "No upload is lost." in content_of(restored, backed_up.completing_id)


def test_an_upload_that_was_not_whole_is_given_up_so_that_its_client_starts_again(restored: Rig, backed_up: BackedUp) -> None:
    with api(restored) as http:
        assert http.get(f"/v1/uploads/{backed_up.open_id}").json()["status"] == "aborted"


def test_a_restored_home_has_passwords_and_a_token_of_its_own(original: Rig, restored: Rig) -> None:
    assert restored.home.secrets() != original.home.secrets()
    assert restored.home.token_file.read_text() != original.home.token_file.read_text()


def test_a_restore_into_a_home_that_is_in_use_is_refused(original: Rig, backed_up: BackedUp) -> None:
    before = sorted(entry.name for entry in original.home.path.iterdir())
    assert refused(restore.restore(settings_of(original), backed_up.file, QUIET, nothing)) == "home_not_empty"
    assert sorted(entry.name for entry in original.home.path.iterdir()) == before


def test_two_backups_of_one_home_take_turns(original: Rig, tmp_path: Path) -> None:
    with only_backup(original.home):
        assert refused(backup.back_up(settings_of(original), tmp_path / "second", QUIET, nothing)) == "already_running"


def test_a_part_that_is_being_started_again_is_waited_for(original: Rig, tmp_path: Path) -> None:
    pid = original.pid("outbound")
    original.kill_part("outbound")
    assert refused(backup.back_up(settings_of(original), tmp_path / "early", QUIET, nothing)) == "stack_unsettled"
    until(lambda: original.healthy_again("outbound", pid), 60)
    assert not list(tmp_path.iterdir())


def test_a_stack_that_does_not_run_is_backed_up_as_well(original: Rig, backed_up: BackedUp, tmp_path: Path) -> None:
    original.stop()
    manifest = asyncio.run(backup.back_up(settings_of(original), tmp_path / "stopped", QUIET, nothing))
    assert manifest.held_s == 0
    assert manifest.objects == backed_up.facts["objects"]
    assert manifest.rows["ledger_postings"] == backed_up.facts["rows"]["ledger_postings"]
    assert restore.check(tmp_path / "stopped", nothing) == manifest


def test_a_file_that_is_there_is_never_overwritten(original: Rig, backed_up: BackedUp) -> None:
    before = backed_up.file.stat()
    assert refused(backup.back_up(settings_of(original), backed_up.file, QUIET, nothing)) == "file_exists"
    assert backed_up.file.stat() == before


def test_a_home_without_a_stack_is_said(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "empty")
    assert refused(backup.back_up(Settings(home=home.path), tmp_path / "file", QUIET, nothing)) == "home_empty"


def test_a_home_that_was_never_migrated_has_nothing_to_back_up(servers_folder: Path) -> None:
    settings = Settings(home=servers_folder / "bare")
    temporal_file(Home.at(settings.home))
    assert refused(backup.back_up(settings, servers_folder / "nothing", QUIET, nothing)) == "home_empty"
    assert not (servers_folder / "nothing").exists()


def test_the_backup_of_an_older_version_is_migrated(servers_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new, file = Settings(home=servers_folder / "old"), Settings(home=servers_folder / "new"), servers_folder / "old.cutroom"
    temporal_file(Home.at(old.home))
    first = servers_folder / "migrations"
    shutil.copytree(migrate.MIGRATIONS, first, ignore=shutil.ignore_patterns("000[2-9]*"))
    with monkeypatch.context() as older:
        older.setattr(migrate, "MIGRATIONS", first)
        assert asyncio.run(migrated(old)) == ["0001"]
    assert asyncio.run(backup.back_up(old, file, QUIET, nothing)).revision == "0001"
    asyncio.run(restore.restore(new, file, QUIET, nothing))
    assert asyncio.run(migrated(new)) == [], "nothing was left to migrate"


@pytest.mark.parametrize(
    "outside",
    [{"s3_endpoint": "http://s3.test"}, {"temporal_address": "temporal.test:7233"}, {"database_url": SecretStr("postgresql://d")}],
    ids=lambda outside: next(iter(outside)),
)
def test_servers_outside_are_left_to_their_own_backups(outside: dict[str, Any], tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", **outside)
    assert refused(restore.restore(settings, tmp_path / "file", QUIET, nothing)) == "not_embedded"


def test_too_small_a_disk_is_said_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(CutroomError) as small, room_for(10**18, tmp_path):
        pytest.fail("there is no such disk")
    assert small.value.code == "disk_too_small"


def temporal_file(home: Home) -> None:
    """One that a Temporal has begun."""
    with closing(sqlite3.connect(home.folder("temporal") / "temporal.db")) as connection:
        connection.execute("create table begun (at int)")


async def migrated(settings: Settings) -> list[str]:
    """Which migrations were run on the home's database."""
    home = Home.at(settings.home)
    with only_stack(home) as lock:
        async with storage(settings, home, lock, QUIET) as found:
            return migrate.upgrade(found.database_owner_url.get_secret_value())


def settings_of(rig: Rig) -> Settings:
    """As the command line has them: nothing of the embedded servers is filled in."""
    ports = {name: getattr(rig.settings, name) for name in Settings.model_fields if name.endswith("_port")}
    return Settings(home=rig.home.path, **ports)


def refused(call: Any) -> str:
    with pytest.raises(CutroomError) as error:
        asyncio.run(call)
    return error.value.code
