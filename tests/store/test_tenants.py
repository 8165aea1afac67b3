"""No organisation reaches another's rows. The tables are found, not listed: a new one is held to the same by itself."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Table, delete, insert, text, update
from sqlalchemy.exc import ProgrammingError
from sqlmodel import SQLModel

from cutroom.contracts.ids import new_id
from cutroom.store import tables
from cutroom.store.database import Database
from tests.conftest import DatabaseUrls

TABLES = SQLModel.metadata.sorted_tables
OF_AN_ORGANISATION = [table for table in TABLES if "org_id" in table.c]
READ_ONLY = {"findings", "card_events", "subscriptions"}  # for the app role
APPEND_ONLY = [tables.JobEvent, tables.ClipVersion, tables.LedgerOperation, tables.LedgerPosting]
APPEND_ONLY += [tables.WebhookEvent, tables.WebhookAttempt]


def row(table: Table, org_id: str, name: str, number: int) -> dict[str, Any]:
    """A row with something in each column that has no default. Its references lead to the rows that are named `org_id`."""
    examples: dict[type, Any] = {int: number, float: 1.0, list: [], datetime: datetime(2026, 1, 1, tzinfo=UTC)}
    needed = (c for c in table.columns if not (c.nullable or c.default is not None or c.server_default is not None))
    given = [*needed, *(c for c in table.columns if c.name == "org_id" and c.nullable)]
    return {c.name: org_id if c.foreign_keys else examples.get(c.type.python_type, name) for c in given}


@pytest.fixture
async def two(system: Database) -> tuple[str, str]:
    """Two organisations with a row in every table, each row's id being its organisation's."""
    both = (new_id("org"), new_id("org"))
    async with system.transaction(None) as session:
        for org_id in both:
            for table in TABLES:
                await session.execute(insert(table).values(row(table, org_id, org_id, 1)))
    return both


@pytest.fixture
def owner(database_urls: DatabaseUrls) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_urls.owner, autocommit=True) as connection:
        yield connection


def test_every_table_forces_row_level_security(owner: psycopg.Connection) -> None:
    found = owner.execute("""
        select relname, relrowsecurity and relforcerowsecurity from pg_class c
        where relkind in ('r', 'p') and (relname = 'organisations' or exists (
            select from pg_attribute a where a.attrelid = c.oid and attname = 'org_id' and not attisdropped))
    """).fetchall()
    assert {name for name, _ in found} >= {table.name for table in TABLES}
    assert [name for name, forced in found if not forced] == []


def test_every_table_but_organisations_belongs_to_one() -> None:
    assert {table.name for table in TABLES} - {table.name for table in OF_AN_ORGANISATION} == {"organisations"}


def test_every_reference_inside_an_organisation_carries_it(owner: psycopg.Connection) -> None:
    loose = owner.execute("""
        select conrelid::regclass::text, conname from pg_constraint k where contype = 'f'
          and exists (select from pg_attribute where attrelid = conrelid and attname = 'org_id')
          and exists (select from pg_attribute where attrelid = confrelid and attname = 'org_id')
          and not exists (
            select from unnest(conkey, confkey) as pair(ours, theirs)
            join pg_attribute a on a.attrelid = conrelid and a.attnum = ours and a.attname = 'org_id'
            join pg_attribute b on b.attrelid = confrelid and b.attnum = theirs and b.attname = 'org_id')
    """).fetchall()
    assert loose == []
    counted = owner.execute("select count(*) from pg_constraint where contype = 'f'").fetchone()
    assert counted is not None
    assert counted[0] > len(OF_AN_ORGANISATION)


@pytest.mark.parametrize("table", OF_AN_ORGANISATION, ids=lambda table: table.name)
async def test_a_row_for_another_organisation_is_refused(table: Table, app: Database, two: tuple[str, str]) -> None:
    own, foreign = two
    with pytest.raises(ProgrammingError, match=r"row-level security|permission denied"):
        async with app.transaction(own) as session:
            await session.execute(insert(table).values(row(table, foreign, new_id("evt"), 2)))


@pytest.mark.parametrize(
    "table", [table for table in OF_AN_ORGANISATION if table.name not in READ_ONLY], ids=lambda table: table.name
)
async def test_an_own_row_is_accepted(table: Table, app: Database, two: tuple[str, str]) -> None:
    """Else the refusals above would say nothing."""
    async with app.transaction(two[0]) as session:
        await session.execute(insert(table).values(row(table, two[0], new_id("evt"), 2)))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
async def test_an_organisation_sees_its_own_rows_alone(table: Table, app: Database, two: tuple[str, str]) -> None:
    column = "id" if table.name == "organisations" else "org_id"
    async with app.transaction(two[0]) as session:
        assert set(await session.scalars(text(f"select {column} from {table.name}"))) == {two[0]}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
async def test_without_an_organisation_no_row_is_seen(table: Table, app: Database, system: Database, two: tuple[str, str]) -> None:
    count = text(f"select count(*) from {table.name}")
    async with system.transaction(None) as session:
        assert await session.scalar(count) >= len(two)
    for _ in range(2):  # the second time on a connection that had an organisation before
        async with app.transaction(None) as session:
            assert await session.scalar(count) == 0
        async with app.transaction(two[0]) as session:
            assert await session.scalar(count) == 1


async def test_a_row_cannot_be_moved_to_another_organisation(app: Database, two: tuple[str, str]) -> None:
    with pytest.raises(ProgrammingError, match="row-level security"):
        async with app.transaction(two[0]) as session:
            await session.execute(text("update outbox set org_id = :org"), {"org": two[1]})


async def test_another_organisations_rows_are_out_of_reach_of_changes(app: Database, two: tuple[str, str]) -> None:
    async with app.transaction(two[0]) as session:
        changed = text("delete from outbox where org_id = :org returning id")
        assert (await session.scalars(changed, {"org": two[1]})).all() == []


@pytest.mark.parametrize("change", [update, delete], ids=["update", "delete"])
@pytest.mark.parametrize("model", APPEND_ONLY, ids=lambda model: model.__tablename__)
async def test_what_is_written_once_stays(
    model: type[SQLModel], change: Any, app: Database, system: Database, owner: psycopg.Connection, two: tuple[str, str]
) -> None:
    statement = change(model)
    if change is update:
        statement = statement.values(org_id=two[0])
    for database, org_id in ((app, two[0]), (system, None)):
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with database.transaction(org_id) as session:
                await session.execute(statement)
    owner.execute(f"grant update, delete on {model.__tablename__} to cutroom_app")
    with pytest.raises(ProgrammingError, match="append-only"):
        async with app.transaction(two[0]) as session:
            await session.execute(statement)
    owner.execute(f"revoke update, delete on {model.__tablename__} from cutroom_app")


def test_not_even_the_owner_reads_rows(owner: psycopg.Connection, two: tuple[str, str]) -> None:
    assert owner.execute("select count(*) from jobs").fetchone() == (0,)
    owner.execute("set row_security = off")
    with pytest.raises(InsufficientPrivilege):
        owner.execute("select count(*) from jobs")


def test_no_role_is_above_row_level_security(owner: psycopg.Connection) -> None:
    powers = "select count(*), bool_or(rolsuper or rolbypassrls) from pg_roles where rolname like 'cutroom%'"
    assert owner.execute(powers).fetchone() == (3, False)
