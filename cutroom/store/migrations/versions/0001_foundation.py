"""Everything that is dear to retrofit: tenants, assets, jobs, clips, artifacts, outbox, idempotency, ledger."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT

from cutroom.store.migrations.rights import append_only, create_append_only_guard, isolate

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_tenants()
    create_assets()
    create_jobs()
    create_clips()
    create_artifacts()
    create_hand_overs()
    create_ledger()
    create_findings()
    give_rights()


def give_rights() -> None:
    create_append_only_guard()
    isolate(["organisations"], column="id", app="select")
    isolate(["findings"], app="select")
    isolate(["members", "tokens", "assets", "uploads", "jobs", "clips", "artifacts", "outbox", "idempotency_keys"])
    isolate(["grants"], app="select, insert, update")
    written_once = ["job_events", "clip_versions", "ledger_operations", "ledger_postings"]
    isolate(written_once)
    append_only(written_once)


def create_tenants() -> None:
    op.create_table("organisations", _text("id", primary_key=True), _text("name"), _now("created_at"))
    op.create_table(
        "members",
        *_own_id(),
        _text("email"),
        _text("role"),
        _now("created_at"),
        sa.UniqueConstraint("org_id", "email"),
    )
    op.create_table(
        "tokens",
        *_own_id(),
        _text("name"),
        _text("mode"),
        sa.Column("scopes", ARRAY(TEXT), nullable=False),
        _text("hash"),
        _text("hint"),
        _now("created_at"),
        _time("last_used_at", nullable=True),
        _time("revoked_at", nullable=True),
        sa.UniqueConstraint("hash"),
    )


def create_assets() -> None:
    op.create_table(
        "assets",
        *_own_id(),
        _text("kind"),
        _text("status"),
        _text("filename"),
        _text("content_type"),
        _big("size"),
        _text("sha256"),
        _text("source_key"),
        _json("media"),
        _text("language"),
        _text("duplicate_of", nullable=True),
        *_error(),
        *_theirs(),
        _now("created_at"),
        _time("deleted_at", nullable=True),
        _ref("duplicate_of", "assets"),
    )
    ready = sa.text("status = 'ready'")
    op.create_index("assets_one_per_content", "assets", ["org_id", "sha256"], unique=True, postgresql_where=ready)
    op.create_table(
        "uploads",
        *_own_id(),
        _text("asset_id"),
        _text("status"),
        _text("key"),
        _text("store_upload_id"),
        _big("part_size"),
        _int("part_count"),
        _big("size"),
        _text("sha256"),
        _now("created_at"),
        _time("expires_at"),
        _ref("asset_id", "assets"),
    )
    op.create_index("ix_uploads_expires_at", "uploads", ["expires_at"])


def create_jobs() -> None:
    op.create_table(
        "jobs",
        *_own_id(),
        _text("kind"),
        _text("mode"),
        _text("status"),
        _text("step"),
        _text("asset_id", nullable=True),
        _text("captions_asset_id", nullable=True),
        _json("request"),
        _json("result"),
        _json("price"),
        _json("files"),
        _json("progress"),
        _int("last_seq"),
        *_error(),
        _json("attention"),
        *_theirs(),
        _time("cancel_requested_at", nullable=True),
        _now("created_at"),
        _time("started_at", nullable=True),
        _time("ended_at", nullable=True),
        _ref("asset_id", "assets"),
        _ref("captions_asset_id", "assets"),
    )
    op.create_index("jobs_by_status", "jobs", ["status", "kind"])
    op.create_index("jobs_by_asset", "jobs", ["org_id", "asset_id"])
    op.create_table(
        "job_events",
        _text("org_id", primary_key=True),
        _text("job_id", primary_key=True),
        _int("seq", primary_key=True),
        _now("at"),
        _text("kind"),
        _json("data"),
        _ref("job_id", "jobs"),
    )


def create_clips() -> None:
    op.create_table(
        "clips",
        *_own_id(),
        _text("job_id"),
        _int("ordinal"),
        _text("status"),
        _text("title"),
        _text("text"),
        _float("start_s"),
        _float("end_s"),
        _json("score"),
        _int("current_version"),
        *_error(),
        *_theirs(),
        _now("created_at"),
        sa.UniqueConstraint("org_id", "job_id", "ordinal"),
        _ref("job_id", "jobs"),
    )
    op.create_table(
        "clip_versions",
        _text("org_id", primary_key=True),
        _text("clip_id", primary_key=True),
        _int("version", primary_key=True),
        _float("duration_s"),
        _json("files"),
        _now("created_at"),
        _ref("clip_id", "clips"),
    )


def create_artifacts() -> None:
    op.create_table(
        "artifacts",
        *_own_id(),
        _text("scope"),
        _text("asset_id", nullable=True),
        _text("job_id", nullable=True),
        _text("step"),
        _text("fingerprint"),
        _text("key"),
        _text("sha256"),
        _big("size", server_default="0"),
        _text("key_id"),
        _json("facts"),
        _int("lease_epoch"),
        _text("lease_owner"),
        _time("lease_until", nullable=True),
        _time("pinned_until", nullable=True),
        _now("created_at"),
        sa.UniqueConstraint("org_id", "scope", "step", "fingerprint"),
        _ref("asset_id", "assets"),
        _ref("job_id", "jobs"),
    )
    op.create_index("artifacts_by_asset", "artifacts", ["org_id", "asset_id"])
    op.create_index("artifacts_by_job", "artifacts", ["org_id", "job_id"])


def create_hand_overs() -> None:
    op.create_table(
        "outbox",
        _text("id", primary_key=True),
        _org(),
        _text("kind"),
        _text("target"),
        _json("payload"),
        _int("attempts"),
        _now("next_at"),
        _now("created_at"),
        _time("done_at", nullable=True),
    )
    op.create_index("outbox_due", "outbox", ["next_at"], postgresql_where=sa.text("done_at IS NULL"))
    op.create_table(
        "idempotency_keys",
        _org(primary_key=True),
        _text("route", primary_key=True),
        _text("key", primary_key=True),
        _text("body_sha256"),
        _int("status"),
        _json("response"),
        _now("created_at"),
    )


def create_ledger() -> None:
    op.create_table(
        "grants",
        *_own_id(),
        _text("mode"),
        _text("reason"),
        *(_int(amount) for amount in ("granted", "available", "held", "spent", "expired", "revoked")),
        _time("expires_at", nullable=True),
        _now("created_at"),
        sa.CheckConstraint("available + held + spent + expired + revoked = granted", name="grants_add_up"),
        sa.CheckConstraint(
            "held >= 0 AND spent >= 0 AND expired >= 0 AND revoked >= 0 AND granted > 0", name="grants_not_negative"
        ),
    )
    op.create_table(
        "ledger_operations",
        _org(primary_key=True),
        _text("operation_id", primary_key=True),
        _text("phase", primary_key=True),
        _text("mode"),
        _text("job_id", nullable=True),
        _now("at"),
        _ref("job_id", "jobs"),
    )
    operation = ["org_id", "operation_id", "phase"]
    op.create_table(
        "ledger_postings",
        _text("org_id", primary_key=True),
        _text("operation_id", primary_key=True),
        _text("phase", primary_key=True),
        _text("grant_id", primary_key=True),
        _text("account", primary_key=True),
        _int("amount"),
        sa.ForeignKeyConstraint(operation, [f"ledger_operations.{column}" for column in operation]),
        _ref("grant_id", "grants"),
    )
    op.create_index("ledger_operations_by_time", "ledger_operations", ["org_id", "mode", "at"])
    op.create_index("ledger_postings_by_grant", "ledger_postings", ["org_id", "grant_id"])


def create_findings() -> None:
    op.create_table("findings", *_own_id(), _text("kind"), _text("subject"), _text("detail"), _text("action"), _now("at"))


def _text(name: str, *, primary_key: bool = False, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.String, primary_key=primary_key, nullable=nullable)


def _int(name: str, *, primary_key: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer, primary_key=primary_key, nullable=False, autoincrement=False)


def _big(name: str, *, server_default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=server_default)


def _float(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Float, nullable=False)


def _json(name: str) -> sa.Column[Any]:
    return sa.Column(name, JSONB, nullable=False, server_default="{}")


def _time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _now(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


def _org(*, primary_key: bool = False) -> sa.Column[Any]:
    return sa.Column("org_id", sa.String, sa.ForeignKey("organisations.id"), primary_key=primary_key, nullable=False)


def _own_id() -> list[Any]:
    return [_text("id", primary_key=True), _org(), sa.UniqueConstraint("org_id", "id")]


def _error() -> list[sa.Column[Any]]:
    return [_text("error_code"), _text("error_detail")]


def _theirs() -> list[sa.Column[Any]]:
    """What the organisation hangs on a resource for its own use."""
    return [_text("external_id", nullable=True), _json("metadata")]


def _ref(column: str, table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["org_id", column], [f"{table}.org_id", f"{table}.id"])
