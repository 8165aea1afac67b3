"""How PostgreSQL and Temporal are first made, and made again after an interruption."""

import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import psycopg
import pytest
from rich.console import Console

from cutroom.local import postgres as postgres_module
from cutroom.local import temporal as temporal_module
from cutroom.local.home import Home, Secrets
from cutroom.local.ports import free_port
from cutroom.local.postgres import Postgres
from cutroom.local.temporal import Temporal
from cutroom.local.tools import TEMPORAL, ensure
from tests.conftest import DatabaseUrls, serving

SCHEMA_TABLES = "select count(*) from sqlite_master where type = 'table'"


def test_a_half_made_temporal_file_is_made_anew(tmp_path: Path) -> None:
    server = Temporal(ensure(TEMPORAL, Console(stderr=True)), tmp_path, free_port(), free_port())
    half_made = tmp_path / "new"
    half_made.mkdir()
    with sqlite3.connect(half_made / "temporal.db") as left:
        left.execute("create table schema_version (version integer)")
    server.prepare()
    with sqlite3.connect(server.file) as made:
        assert made.execute(SCHEMA_TABLES).fetchone()[0] > 30
    assert not half_made.exists()


def test_temporal_starts_on_the_same_file_again_with_our_search_attributes(tmp_path: Path) -> None:
    server = Temporal(ensure(TEMPORAL, Console(stderr=True)), tmp_path, free_port(), free_port())
    for _ in range(2):
        with serving(server, temporal_module.environment(), tmp_path / "log"):
            command = [str(server.binary), "operator", "search-attribute", "list", "--address", server.address]
            listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            assert all(name in listed for name in ("OrgId", "JobKind", "JobStatus"))


def test_a_half_made_database_is_made_anew(servers_folder: Path) -> None:
    server = Postgres(servers_folder / "half-made", free_port(), Secrets())
    (server.folder / "data.new" / "base").mkdir(parents=True)
    server.prepare()
    assert (server.folder / "data" / "PG_VERSION").exists()
    assert not (server.folder / "data.new").exists()
    assert not (server.folder / "password").exists()


def test_no_role_of_ours_passes_row_level_security(postgres_server: Postgres) -> None:
    with psycopg.connect(postgres_server.url("superuser", "postgres")) as connection:
        roles = connection.execute("select rolname from pg_roles where rolname like 'cutroom%' and (rolsuper or rolbypassrls)")
        assert roles.fetchall() == []


def test_a_wrong_password_is_refused(database_urls: DatabaseUrls) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(database_urls.app.replace("cutroom_app:", "cutroom_app:x"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes the account")
def test_programs_and_data_move_where_the_unprivileged_account_reaches_them(
    tmp_path: Path, shared: Path, locked_wheel: Path
) -> None:
    server = Postgres(locked_wheel / "postgres", free_port(), Secrets())
    assert shared in server.home.parents
    with serving(server, {"PATH": os.defpath}, tmp_path / "log"):
        assert any(word.startswith(str(shared)) and word.endswith("bin/postgres") for word in server.command())


@pytest.fixture
def shared(servers_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = servers_folder / "shared"
    monkeypatch.setattr(postgres_module, "SHARED", folder)
    return folder


@pytest.fixture
def locked_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A private folder that holds the wheel, as a clone in root's own home has it."""
    real = postgres_module.wheel_folder()
    locked = tmp_path / "locked"
    for part in (real, real.parent.with_name(f"{real.parent.name}.libs")):
        shutil.copytree(part, locked / part.relative_to(real.parent.parent))
    locked.chmod(0o700)
    monkeypatch.setattr(postgres_module, "wheel_folder", lambda version=None: locked / real.relative_to(real.parent.parent))
    return locked


def test_passwords_are_made_once_and_are_private(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home")
    first = home.secrets()
    assert Home.at(home.path).secrets() == first
    assert (home.path / "secrets.json").stat().st_mode & 0o077 == 0
