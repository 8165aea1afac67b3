"""Webhooks: endpoints, their secrets, events, deliveries and tries. Members say whether they want mail."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT

from cutroom.store.migrations.rights import append_only, isolate

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("members", sa.Column("wants_mail", sa.Boolean, nullable=False, server_default="false"))
    create_endpoints()
    create_deliveries()
    isolate(["webhook_endpoints", "webhook_secrets", "webhook_deliveries"])
    written_once = ["webhook_events", "webhook_attempts"]
    isolate(written_once)
    append_only(written_once)


def create_endpoints() -> None:
    op.create_table(
        "webhook_endpoints",
        *_own_id(),
        _text("mode"),
        _text("url"),
        sa.Column("events", ARRAY(TEXT), nullable=False),
        _text("description"),
        sa.Column("enabled", sa.Boolean, nullable=False),
        _text("disabled_reason"),
        _time("failing_since"),
        _now("created_at"),
        _time("deleted_at"),
    )
    op.create_table(
        "webhook_secrets",
        _text("org_id", primary_key=True),
        _text("endpoint_id", primary_key=True),
        _int("number", primary_key=True),
        _text("secret"),
        _time("ends_at"),
        _ref("endpoint_id", "webhook_endpoints"),
    )


def create_deliveries() -> None:
    data = sa.Column("data", JSONB, nullable=False, server_default="{}")
    op.create_table("webhook_events", *_own_id(), _text("type"), data, _now("created_at"))
    op.create_table(
        "webhook_deliveries",
        *_own_id(),
        _text("event_id"),
        _text("endpoint_id"),
        _int("replay"),
        _text("status"),
        _int("tries"),
        sa.Column("http_status", sa.Integer),
        _text("error_code"),
        _time("next_at"),
        _now("created_at"),
        _time("ended_at"),
        sa.UniqueConstraint("org_id", "event_id", "endpoint_id", "replay"),
        _ref("event_id", "webhook_events"),
        _ref("endpoint_id", "webhook_endpoints"),
    )
    op.create_index("webhook_deliveries_by_endpoint", "webhook_deliveries", ["org_id", "endpoint_id", "created_at"])
    pending = sa.text("status = 'pending'")
    op.create_index("webhook_deliveries_due", "webhook_deliveries", ["next_at"], postgresql_where=pending)
    op.create_table(
        "webhook_attempts",
        _text("org_id", primary_key=True),
        _text("delivery_id", primary_key=True),
        _int("number", primary_key=True),
        _now("at"),
        sa.Column("http_status", sa.Integer),
        sa.Column("duration_s", sa.Float, nullable=False),
        _text("error_code"),
        _ref("delivery_id", "webhook_deliveries"),
    )


def _text(name: str, *, primary_key: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.String, primary_key=primary_key, nullable=False)


def _int(name: str, *, primary_key: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer, primary_key=primary_key, nullable=False, autoincrement=False)


def _time(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True))


def _now(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


def _own_id() -> list[Any]:
    organisation = sa.Column("org_id", sa.String, sa.ForeignKey("organisations.id"), nullable=False)
    return [_text("id", primary_key=True), organisation, sa.UniqueConstraint("org_id", "id")]


def _ref(column: str, table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["org_id", column], [f"{table}.org_id", f"{table}.id"])
