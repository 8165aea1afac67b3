"""Payments by card, Stripe's customers and its events; a hand-over may be of no organisation yet."""

import sqlalchemy as sa
from alembic import op

from cutroom.store.migrations.rights import isolate

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.alter_column("outbox", "org_id", nullable=True)
    op.create_table(
        "card_customers",
        _org(primary_key=True),
        _text("mode", primary_key=True),
        _text("customer_id", unique=True),
        _now("created_at"),
    )
    op.create_table(
        "payments",
        _text("id", primary_key=True),
        _org(nullable=False),
        _text("mode"),
        _text("job_id"),
        _text("intent_id", server_default=""),
        sa.Column("amount", sa.Integer, nullable=False),
        _text("currency"),
        _text("status"),
        sa.Column("captured", sa.Integer, nullable=False, server_default="0"),
        _text("reason", server_default=""),
        _time("capture_before"),
        _now("created_at"),
        _now("at"),
        sa.UniqueConstraint("org_id", "id"),
        sa.ForeignKeyConstraint(["org_id", "job_id"], ["jobs.org_id", "jobs.id"]),
    )
    named = sa.text("intent_id <> ''")
    op.create_index("payments_one_per_intent", "payments", ["intent_id"], unique=True, postgresql_where=named)
    op.create_index("payments_by_time", "payments", ["mode", "created_at"])
    grants, causes = sa.text("phase = 'grant'"), sa.text("phase IN ('grant', 'revoke')")
    op.create_index("ledger_operations_grants", "ledger_operations", ["mode", "at"], postgresql_where=grants)
    op.create_index("ledger_postings_by_cause", "ledger_postings", ["operation_id"], postgresql_where=causes)
    op.create_table(
        "card_events",
        _text("id", primary_key=True),
        _org(nullable=True),
        _text("mode"),
        _text("kind"),
        _text("object_id"),
        _text("outcome", server_default=""),
        _now("received_at"),
        _time("handled_at"),
    )
    waiting = sa.text("handled_at IS NULL")
    op.create_index("card_events_unhandled", "card_events", ["received_at"], postgresql_where=waiting)
    isolate(["card_customers"], app="select, insert")
    isolate(["payments"], app="select, insert, update")
    isolate(["card_events"], app="select")


def _org(*, primary_key: bool = False, nullable: bool = False) -> sa.Column[str]:
    return sa.Column("org_id", sa.String, sa.ForeignKey("organisations.id"), primary_key=primary_key, nullable=nullable)


def _text(name: str, *, primary_key: bool = False, unique: bool = False, server_default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.String, primary_key=primary_key, unique=unique, nullable=False, server_default=server_default)


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)
