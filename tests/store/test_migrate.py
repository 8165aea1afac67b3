"""The migrations give the database that the tables describe, however often and by how many at once they are run."""

import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, create_engine, inspect
from sqlmodel import SQLModel

from cutroom.errors import SetupError, Unreachable
from cutroom.local.ports import free_port
from cutroom.local.postgres import Postgres
from cutroom.store import migrate, tables
from cutroom.store.database import psycopg_url
from tests.conftest import DatabaseUrls


@pytest.fixture
def empty_database(postgres_server: Postgres) -> Iterator[str]:
    """The owner's URL of a database without a table."""
    with psycopg.connect(postgres_server.url("superuser", "postgres"), autocommit=True) as connection:
        connection.execute("create database empty owner cutroom_owner")
        yield postgres_server.url("owner", "empty")
        connection.execute("drop database empty with (force)")


def test_a_migrated_database_is_what_the_tables_describe(database_urls: DatabaseUrls) -> None:
    with create_engine(psycopg_url(database_urls.owner)).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, SQLModel.metadata) == []
        for table in SQLModel.metadata.tables.values():
            described = {str(check.name) for check in table.constraints if isinstance(check, CheckConstraint)}
            assert {check["name"] for check in inspect(connection).get_check_constraints(table.name)} == described
    assert tables.Grant.__tablename__ in SQLModel.metadata.tables


def test_two_starts_at_once_migrate_once(empty_database: str) -> None:
    start = [sys.executable, "-c", f"from cutroom.store import migrate; migrate.upgrade({empty_database!r})"]
    both = [subprocess.Popen(start) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    with psycopg.connect(empty_database) as connection:
        versions = connection.execute("select count(*) from alembic_version").fetchone()
        assert versions == (1,)
        assert connection.execute("select to_regclass('jobs') is not null").fetchone() == (True,)


def test_a_database_that_is_away_is_said_to_be_away() -> None:
    with pytest.raises(Unreachable) as caught:
        migrate.upgrade(f"postgresql://someone:secret@127.0.0.1:{free_port()}/cutroom")
    assert caught.value.code == "database_unavailable"


def test_a_role_that_nobody_created_is_named(empty_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "ROLES", ("cutroom_absent",))
    with pytest.raises(SetupError, match="create role cutroom_absent"):
        migrate.upgrade(empty_database)


def test_it_says_which_migrations_it_ran(empty_database: str) -> None:
    assert migrate.upgrade(empty_database)[0] == "0001"
    assert migrate.upgrade(empty_database) == []


def test_a_database_of_a_newer_version_is_left_alone(empty_database: str) -> None:
    migrate.upgrade(empty_database)
    with psycopg.connect(empty_database) as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    with pytest.raises(SetupError, match="newer Cutroom"):
        migrate.upgrade(empty_database)
