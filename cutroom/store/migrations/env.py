"""Alembic's entry: runs the migrations on the connection that `cutroom.store.migrate` hands over, and notes in `run` which."""

from alembic import context
from sqlalchemy import text

# Any fixed number: it keeps two starts at once from migrating at the same time.
LOCK = 7_236_480_115

connection, run = context.config.attributes["connection"], context.config.attributes["run"]
with connection.begin():
    connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    # Forced row-level security hides every row from the owner too: a statement on rows shall fail, not find nothing.
    connection.execute(text("set local row_security = off"))
    context.configure(connection=connection, on_version_apply=lambda step, **_: run.append(step.up_revision_id))
    context.run_migrations()
