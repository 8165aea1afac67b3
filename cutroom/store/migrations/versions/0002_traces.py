"""A job and what is handed over for it name their trace."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for table in ("jobs", "outbox"):
        op.add_column(table, sa.Column("traceparent", sa.String, nullable=False, server_default=""))
