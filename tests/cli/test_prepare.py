"""`cutroom prepare` on fresh servers, on prepared ones, on ones that come late, and on ones that refuse."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from rich.console import Console

from cutroom.local.ports import free_port
from cutroom.local.postgres import Postgres
from cutroom.local.s3 import S3
from cutroom.local.tools import VERSITYGW, ensure
from cutroom.temporal.schedules import SCHEDULES
from tests.cli.conftest import Cutroom
from tests.conftest import serving


@pytest.fixture
def empty_database(postgres_server: Postgres) -> Iterator[str]:
    """The owner's URL of a database without a table."""
    with psycopg.connect(postgres_server.url("superuser", "postgres"), autocommit=True) as connection:
        connection.execute("create database unprepared owner cutroom_owner")
        yield postgres_server.url("owner", "unprepared")
        connection.execute("drop database unprepared with (force)")


def test_fresh_servers_are_prepared_once(cutroom: Cutroom, namespace: str, empty_database: str) -> None:
    first = cutroom.run("prepare", CUTROOM_DATABASE_OWNER_URL=empty_database)
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines() == [
        *(f"database: ran migration {number:04}" for number in range(1, 6)),
        f"store: made the bucket {namespace}",
        f"temporal: created the namespace {namespace}",
        "temporal: added the search attributes OrgId, JobKind, JobStatus",
        *(f"temporal: created the schedule {id}" for id in SCHEDULES),
    ]
    again = cutroom.json("prepare", CUTROOM_DATABASE_OWNER_URL=empty_database)
    assert [(outcome["part"], outcome["state"]) for outcome in again] == [
        ("database", "fine"),
        ("store", "fine"),
        ("temporal", "fine"),
    ]


def test_two_at_once_prepare_the_same_servers(cutroom: Cutroom, empty_database: str) -> None:
    both = [cutroom.start("prepare", CUTROOM_DATABASE_OWNER_URL=empty_database) for _ in range(2)]
    said = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum(out.count("ran migration 0001") for out, _ in said) == 1
    again = cutroom.json("prepare", CUTROOM_DATABASE_OWNER_URL=empty_database)
    assert {outcome["state"] for outcome in again} == {"fine"}


def test_a_server_that_comes_late_is_waited_for(cutroom: Cutroom, tmp_path: Path) -> None:
    keys = (cutroom.environment["CUTROOM_S3_ACCESS_KEY"], cutroom.environment["CUTROOM_S3_SECRET_KEY"])
    late = S3(ensure(VERSITYGW, Console(stderr=True)), tmp_path / "s3", free_port(), *keys, "some-bucket")
    process = cutroom.start("prepare", CUTROOM_S3_ENDPOINT=late.endpoint)
    assert process.stderr
    assert "The object store does not answer" in process.stderr.readline()
    with serving(late, late.environment(), tmp_path / "s3.log"):
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "store: made the bucket" in out


def test_a_server_that_never_comes_is_given_up_with_its_code(cutroom: Cutroom) -> None:
    done = cutroom.run("prepare", "--wait", "1", CUTROOM_TEMPORAL_ADDRESS=f"127.0.0.1:{free_port()}")
    assert done.returncode == 4
    assert "temporal_unavailable" in done.stderr
    assert "store: made the bucket" in done.stdout


def test_what_is_not_elsewhere_is_left_to_the_embedded_stack(cutroom: Cutroom) -> None:
    outcomes = cutroom.json("prepare", CUTROOM_DATABASE_URL="", CUTROOM_S3_ENDPOINT="")
    assert [(outcome["part"], outcome["state"]) for outcome in outcomes][:2] == [("database", "embedded"), ("store", "embedded")]
    nothing = cutroom.run("prepare", CUTROOM_DATABASE_URL="", CUTROOM_S3_ENDPOINT="", CUTROOM_TEMPORAL_ADDRESS="")
    assert nothing.returncode == 3
    assert "name no server elsewhere" in nothing.stderr


def test_what_is_left_to_do_by_hand_is_said_and_is_an_exit_code(cutroom: Cutroom) -> None:
    done = cutroom.run("prepare", CUTROOM_DATABASE_OWNER_URL="")
    assert done.returncode == 3
    assert "set CUTROOM_DATABASE_OWNER_URL" in done.stdout
    assert "temporal: created the schedule" in done.stdout
