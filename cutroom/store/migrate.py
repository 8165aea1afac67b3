"""Brings the database to the newest shape: `upgrade(owner_url)`. Safe to run at every start, by several starts at once."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import OperationalError

from cutroom.errors import SetupError, Unreachable
from cutroom.store.database import psycopg_url
from cutroom.store.migrations.rights import ROLES

MIGRATIONS = Path(__file__).parent / "migrations"


def knows(revision: str) -> bool:
    """Whether this version has that migration; a database at any other was migrated by a newer one."""
    return revision in {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}


def upgrade(owner_url: str) -> list[str]:
    """Run every migration that the database lacks, and answer which; none lacking, nothing happens.

    `owner_url`: postgresql://... of the role that owns the database. Raises Unreachable (`database_unavailable`) where
    Postgres does not answer, and SetupError where the app's and the system's roles were not created beforehand, or where a
    newer Cutroom has migrated the database already.
    """
    engine = create_engine(psycopg_url(owner_url), poolclass=NullPool, connect_args={"connect_timeout": 5})
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    try:
        with engine.connect() as connection:
            found = set(connection.scalars(text("select rolname from pg_roles")))
            connection.rollback()
            missing = [role for role in ROLES if role not in found]
            if missing:
                raise SetupError(
                    f"The database lacks a role: run `create role {missing[0]} login password '...'`, then start again."
                )
            config.attributes["connection"] = connection
            run: list[str] = config.attributes.setdefault("run", [])
            command.upgrade(config, "head")
            return run
    except OperationalError as error:
        detail = "The database cannot be reached as its owner: is PostgreSQL running, are user and password right?"
        raise Unreachable(detail, code="database_unavailable") from error
    except CommandError as error:
        raise SetupError("The database was migrated by a newer Cutroom: run that version or a later one.") from error
