"""What a backup reads of the database: all of it as of one instant, which pg_dump can be told too.

The superuser reads, since nobody else sees the rows of every organisation and the migrations' own table.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from cutroom.errors import Unreachable

_TABLES = "select tablename from pg_tables where schemaname = 'public' order by tablename"
_OBJECTS = """
    select key, sha256 from artifacts where key <> ''
    union all select key, '' from uploads where status = 'completing'
"""
_COMPLETING = "select key, store_upload_id, size from uploads where status = 'completing' order by created_at"


class Snapshot:
    """One transaction that sees one instant: that of `export`."""

    def __init__(self, connection: psycopg.Connection[TupleRow]) -> None:
        self._connection = connection

    def export(self) -> str:
        """Fix the instant; answers its name, which `pg_dump --snapshot` takes for as long as this transaction is open."""
        return str(self._one("select pg_export_snapshot()"))

    def revision(self) -> str | None:
        """The newest migration; None where the database was never migrated."""
        if self._one("select to_regclass('public.alembic_version')") is None:
            return None
        return str(self._one("select version_num from alembic_version"))

    def rows(self) -> dict[str, int]:
        """Table -> how many rows it has."""
        count = sql.SQL("select count(*) from public.{}")
        names = [name for (name,) in self._connection.execute(_TABLES)]
        return {name: self._connection.execute(count.format(sql.Identifier(name))).fetchall()[0][0] for name in names}

    def size(self) -> int:
        """Bytes that the database takes on the disk."""
        return int(self._one("select pg_database_size(current_database())"))

    def objects(self) -> dict[str, str]:
        """Key -> SHA-256 of each object that the store must have; empty for an upload that nobody has read yet."""
        return dict(self._connection.execute(_OBJECTS).fetchall())

    def completing(self) -> list[tuple[str, str, int]]:
        """(key, the store's upload id, bytes) of uploads that the store has whole, though perhaps still in parts."""
        return [(key, upload_id, size) for key, upload_id, size in self._connection.execute(_COMPLETING)]

    def _one(self, query: LiteralString) -> Any:
        ((value,),) = self._connection.execute(query).fetchall()
        return value


@contextmanager
def snapshot(url: str) -> Iterator[Snapshot]:
    """A transaction that has not looked yet. `url`: postgresql://... of the superuser.

    Raises Unreachable (`database_unavailable`) where Postgres does not answer or ends the connection.
    """
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            yield Snapshot(connection)
    except psycopg.OperationalError as error:
        detail = "The database does not answer, or closed the connection; try again shortly."
        raise Unreachable(detail, code="database_unavailable") from error
