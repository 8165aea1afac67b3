"""Transactions. The organisation is set per transaction, so a reused connection never sees the last one's rows."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from cutroom.errors import Unreachable

# A host that vanishes says nothing: without these a query to it would wait for a quarter of an hour.
_CONNECTION = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


def psycopg_url(url: str) -> str:
    """`postgresql://...`, as people write it, for SQLAlchemy with psycopg 3."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def after_commit(session: AsyncSession, do: Callable[[], None]) -> None:
    """Call `do` once the session's transaction is committed; where it is rolled back, never."""
    event.listen(session.sync_session, "after_commit", lambda _: do(), once=True)


class Database:
    """One role's connections. The app role sees one organisation at a time; the system role sees all of them."""

    def __init__(self, url: str, pool_size: int = 5) -> None:
        """`url`: postgresql://... of one role."""
        self._engine = create_async_engine(
            psycopg_url(url),
            pool_size=pool_size,
            max_overflow=5,
            pool_timeout=10,
            pool_pre_ping=True,
            hide_parameters=True,  # errors are logged, and what was to be written may be secret
            connect_args=_CONNECTION,
        )

    @asynccontextmanager
    async def transaction(self, org_id: str | None) -> AsyncIterator[AsyncSession]:
        """One transaction of `org_id`; None only makes sense for the system role: the app role then sees no row.

        Raises Unreachable (`database_unavailable`) where Postgres does not answer or drops the connection.
        """
        try:
            async with AsyncSession(self._engine, expire_on_commit=False) as session, session.begin():
                if org_id is not None:
                    await session.execute(text("select set_config('app.org_id', :org, true)"), {"org": org_id})
                yield session
        except (OperationalError, InterfaceError, PoolTimeout) as error:
            raise Unreachable("The database does not answer; try again shortly.", code="database_unavailable") from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise Unreachable("The database closed the connection; try again shortly.", code="database_unavailable") from error
            raise

    async def close(self) -> None:
        await self._engine.dispose()
