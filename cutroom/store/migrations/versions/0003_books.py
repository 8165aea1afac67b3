"""Kept quotes, subscriptions, what a job takes from its plan, reasons of operations, and what finds the rows that may go."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from cutroom.store.migrations.rights import isolate

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("ledger_operations", sa.Column("reason", sa.String, nullable=False, server_default=""))
    op.add_column("jobs", sa.Column("watermark", sa.Boolean, nullable=False, server_default="false"))
    op.add_column("jobs", sa.Column("retention_days", sa.Integer, nullable=True))
    op.add_column("jobs", sa.Column("files_deleted_at", sa.DateTime(timezone=True), nullable=True))
    kept = sa.text("retention_days IS NOT NULL AND files_deleted_at IS NULL")
    op.create_index("jobs_files_kept", "jobs", ["retention_days", "ended_at"], postgresql_where=kept)
    op.create_table(
        "quotes",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("org_id", sa.String, sa.ForeignKey("organisations.id"), nullable=False),
        sa.Column("mode", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("asset_id", sa.String, nullable=False),
        sa.Column("request", JSONB, nullable=False, server_default="{}"),
        sa.Column("price", JSONB, nullable=False, server_default="{}"),
        sa.Column("job_id", sa.String, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("org_id", "id"),
        sa.ForeignKeyConstraint(["org_id", "asset_id"], ["assets.org_id", "assets.id"]),
        sa.ForeignKeyConstraint(["org_id", "job_id"], ["jobs.org_id", "jobs.id"]),
    )
    op.create_table(
        "subscriptions",
        sa.Column("org_id", sa.String, sa.ForeignKey("organisations.id"), primary_key=True),
        sa.Column("mode", sa.String, primary_key=True),
        sa.Column("provider_id", sa.String, primary_key=True),
        sa.Column("plan", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("period_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("quotes_unused", "quotes", ["expires_at"], postgresql_where=sa.text("job_id IS NULL"))
    op.create_index("outbox_done", "outbox", ["done_at"], postgresql_where=sa.text("done_at IS NOT NULL"))
    op.create_index("idempotency_keys_by_time", "idempotency_keys", ["created_at"])
    isolate(["quotes"], app="select, insert, update")
    isolate(["subscriptions"], app="select")
