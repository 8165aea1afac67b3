"""Every table. Each one but `organisations` carries `org_id`, and each reference carries it too: `(org_id, id)`.

Times are UTC with zone, money is integer credits, ids come from `cutroom.contracts.ids`. Row-level security, grants and
triggers are in the migrations; tests/store holds every table to them.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, ForeignKeyConstraint, Index, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlmodel import Field, SQLModel


def _time(*, null: bool = False, now: bool = False, index: bool = False) -> Any:
    return Field(
        default=None,
        sa_column=Column(DateTime(timezone=True), nullable=null, index=index, server_default=func.now() if now else None),
    )


def _json() -> Any:
    return Field(default_factory=dict, sa_column=Column(JSONB, nullable=False, server_default="{}"))


def _ref(column: str, table: str) -> ForeignKeyConstraint:
    """A reference inside one organisation."""
    return ForeignKeyConstraint(["org_id", column], [f"{table}.org_id", f"{table}.id"])


class Organisation(SQLModel, table=True):
    __tablename__ = "organisations"
    id: str = Field(primary_key=True)
    name: str
    created_at: datetime = _time(now=True)


class Member(SQLModel, table=True):
    """`wants_mail`: to be told by mail when a job ends."""

    __tablename__ = "members"
    __table_args__ = (UniqueConstraint("org_id", "id"), UniqueConstraint("org_id", "email"))
    id: str = Field(primary_key=True)
    org_id: str = Field(foreign_key="organisations.id")
    email: str
    role: str
    wants_mail: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    created_at: datetime = _time(now=True)


class Token(SQLModel, table=True):
    """`hash`: SHA-256 of the whole token, hex. `hint`: its first characters, to tell tokens apart."""

    __tablename__ = "tokens"
    __table_args__ = (UniqueConstraint("org_id", "id"), UniqueConstraint("hash"))
    id: str = Field(primary_key=True)
    org_id: str = Field(foreign_key="organisations.id")
    name: str
    mode: str
    scopes: list[str] = Field(sa_column=Column(ARRAY(TEXT), nullable=False))
    hash: str
    hint: str
    created_at: datetime = _time(now=True)
    last_used_at: datetime | None = _time(null=True)
    revoked_at: datetime | None = _time(null=True)


class Asset(SQLModel, table=True):
    """status: uploading | verifying | ready | rejected | duplicate | deleted. `media`: MediaFacts of a video."""

    __tablename__ = "assets"
    __table_args__ = (
        UniqueConstraint("org_id", "id"),
        Index("assets_one_per_content", "org_id", "sha256", unique=True, postgresql_where="status = 'ready'"),
        _ref("duplicate_of", "assets"),
    )
    id: str = Field(primary_key=True)
    org_id: str = Field(foreign_key="organisations.id")
    kind: str
    status: str
    filename: str
    content_type: str = ""
    size: int = Field(sa_column=Column(BigInteger, nullable=False))
    sha256: str = ""
    source_key: str = ""
    media: dict[str, Any] = _json()
    language: str = ""
    duplicate_of: str | None = None
    error_code: str = ""
    error_detail: str = ""
    external_id: str | None = None
    metadata_: dict[str, Any] = Field(
        default_factory=dict, sa_column=Column("metadata", JSONB, nullable=False, server_default="{}")
    )
    created_at: datetime = _time(now=True)
    deleted_at: datetime | None = _time(null=True)


class Upload(SQLModel, table=True):
    """status: open | completing | done | aborted. `sha256`: what the client promised, hex, or empty."""

    __tablename__ = "uploads"
    __table_args__ = (UniqueConstraint("org_id", "id"), _ref("asset_id", "assets"))
    id: str = Field(primary_key=True)
    org_id: str = Field(foreign_key="organisations.id")
    asset_id: str
    status: str
    key: str
    store_upload_id: str
    part_size: int = Field(sa_column=Column(BigInteger, nullable=False))
    part_count: int
    size: int = Field(sa_column=Column(BigInteger, nullable=False))
    sha256: str = ""
    created_at: datetime = _time(now=True)
    expires_at: datetime = _time(index=True)


class Job(SQLModel, table=True):
    """One request of any engine.

    `result`: {warnings[]}, what its owner should know of what was made.
    `price`: {price_version, unit, lines[{kind, quantity, each, amount}], total}. `files`: name -> ArtifactRef.
    `progress`: step -> how much of it is done, 0 to 1. `traceparent`: the span of the request that made it (W3C).
    By the plan of when it was made: `watermark`, its clips are marked; `retention_days`, how long its files stay after its end.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("org_id", "id"),
        _ref("asset_id", "assets"),
        _ref("captions_asset_id", "assets"),
        Index("jobs_by_status", "status", "kind"),
        Index("jobs_by_asset", "org_id", "asset_id"),
        Index(
            "jobs_files_kept",
            "retention_days",
            "ended_at",
            postgresql_where="retention_days IS NOT NULL AND files_deleted_at IS NULL",
        ),
    )
    id: str = Field(primary_key=True)
    org_id: str = Field(foreign_key="organisations.id")
    kind: str
    mode: str
    status: str
    step: str = ""
    asset_id: str | None = None
    captions_asset_id: str | None = None
    request: dict[str, Any] = _json()
    result: dict[str, Any] = _json()
    price: dict[str, Any] = _json()
    watermark: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    retention_days: int | None = None
    files: dict[str, Any] = _json()
    progress: dict[str, Any] = _json()
    last_seq: int = 0
    error_code: str = ""
    error_detail: str = ""
    attention: dict[str, Any] = _json()
    traceparent: str = Field(default="", sa_column_kwargs={"server_default": ""})
    external_id: str | None = None
    metadata_: dict[str, Any] = Field(
        default_factory=dict, sa_column=Column("metadata", JSONB, nullable=False, server_default="{}")
    )
    cancel_requested_at: datetime | None = _time(null=True)
    created_at: datetime = _time(now=True)
    started_at: datetime | None = _time(null=True)
    ended_at: datetime | None = _time(null=True)
    files_deleted_at: datetime | None = _time(null=True)


class JobEvent(SQLModel, table=True):
    __tablename__ = "job_events"
    __table_args__ = (_ref("job_id", "jobs"),)
    org_id: str = Field(primary_key=True)
    job_id: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    at: datetime = _time(now=True)
    kind: str
    data: dict[str, Any] = _json()


class Clip(SQLModel, table=True):
    """status: processing | ready | failed. `score`: {total, parts{name: number}, why}."""

    __tablename__ = "clips"
    __table_args__ = (UniqueConstraint("org_id", "id"), UniqueConstraint("org_id", "job_id", "ordinal"), _ref("job_id", "jobs"))
    id: str = Field(primary_key=True)
    org_id: str = Field(foreign_key="organisations.id")
    job_id: str
    ordinal: int
    status: str
    title: str = ""
    text: str = ""
    start_s: float
    end_s: float
    score: dict[str, Any] = _json()
    current_version: int = 0
    error_code: str = ""
    error_detail: str = ""
    external_id: str | None = None
    metadata_: dict[str, Any] = Field(
        default_factory=dict, sa_column=Column("metadata", JSONB, nullable=False, server_default="{}")
    )
    created_at: datetime = _time(now=True)


class ClipVersion(SQLModel, table=True):
    """`files`: video, subtitles, thumbnail, framing -> ArtifactRef. Never changed once written."""

    __tablename__ = "clip_versions"
    __table_args__ = (_ref("clip_id", "clips"),)
    org_id: str = Field(primary_key=True)
    clip_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    duration_s: float
    files: dict[str, Any] = _json()
    created_at: datetime = _time(now=True)


class Artifact(SQLModel, table=True):
    """The one list of stored bytes. Who holds the lease with the newest `lease_epoch` may publish; `key` is empty until then."""

    __tablename__ = "artifacts"
    __table_args__ = (
        UniqueConstraint("org_id", "id"),
        UniqueConstraint("org_id", "scope", "step", "fingerprint"),
        Index("artifacts_by_asset", "org_id", "asset_id"),
        Index("artifacts_by_job", "org_id", "job_id"),
        _ref("asset_id", "assets"),
        _ref("job_id", "jobs"),
    )
    id: str = Field(primary_key=True)
    org_id: str = Field(foreign_key="organisations.id")
    scope: str
    asset_id: str | None = None
    job_id: str | None = None
    step: str
    fingerprint: str
    key: str = ""
    sha256: str = ""
    size: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    key_id: str = ""
    facts: dict[str, Any] = _json()
    lease_epoch: int = 0
    lease_owner: str = ""
    lease_until: datetime | None = _time(null=True)
    pinned_until: datetime | None = _time(null=True)
    created_at: datetime = _time(now=True)


class Outbox(SQLModel, table=True):
    """What must reach Temporal. kind: start | signal; `target` is a workflow id; `payload` holds ids only.

    Without `org_id` it is of an organisation that its workflow has yet to find out; only the system role sees it.

    `traceparent`: the span that asked for it (W3C), so that its delivery belongs to the same trace, whoever delivers it.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index("outbox_due", "next_at", postgresql_where="done_at IS NULL"),
        Index("outbox_done", "done_at", postgresql_where="done_at IS NOT NULL"),
    )
    id: str = Field(primary_key=True)
    org_id: str | None = Field(default=None, foreign_key="organisations.id")
    kind: str
    target: str
    payload: dict[str, Any] = _json()
    traceparent: str = Field(default="", sa_column_kwargs={"server_default": ""})
    attempts: int = 0
    next_at: datetime = _time(now=True)
    created_at: datetime = _time(now=True)
    done_at: datetime | None = _time(null=True)


class IdempotencyKey(SQLModel, table=True):
    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("idempotency_keys_by_time", "created_at"),)
    org_id: str = Field(primary_key=True, foreign_key="organisations.id")
    route: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    body_sha256: str
    status: int
    response: dict[str, Any] = _json()
    created_at: datetime = _time(now=True)


class Grant(SQLModel, table=True):
    """Credits given. The five amounts always add up to `granted`; only `available` may fall below zero."""

    __tablename__ = "grants"
    __table_args__ = (
        UniqueConstraint("org_id", "id"),
        CheckConstraint("available + held + spent + expired + revoked = granted", name="grants_add_up"),
        CheckConstraint("held >= 0 AND spent >= 0 AND expired >= 0 AND revoked >= 0 AND granted > 0", name="grants_not_negative"),
    )
    id: str = Field(primary_key=True)
    org_id: str = Field(foreign_key="organisations.id")
    mode: str
    reason: str
    granted: int
    available: int
    held: int = 0
    spent: int = 0
    expired: int = 0
    revoked: int = 0
    expires_at: datetime | None = _time(null=True)
    created_at: datetime = _time(now=True)


class LedgerOperation(SQLModel, table=True):
    """One step of money. phase: grant | hold | settle | refund | adjust | expire | revoke. `reason`: why. Append-only."""

    __tablename__ = "ledger_operations"
    __table_args__ = (
        _ref("job_id", "jobs"),
        Index("ledger_operations_by_time", "org_id", "mode", "at"),
        Index("ledger_operations_grants", "mode", "at", postgresql_where="phase = 'grant'"),
    )
    org_id: str = Field(primary_key=True, foreign_key="organisations.id")
    operation_id: str = Field(primary_key=True)
    phase: str = Field(primary_key=True)
    mode: str
    job_id: str | None = None
    at: datetime = _time(now=True)
    reason: str = Field(default="", sa_column_kwargs={"server_default": ""})


class LedgerPosting(SQLModel, table=True):
    """One side of an operation on one grant; the postings of an operation sum to zero.

    account: issued | available | held | spent | expired | revoked.
    """

    __tablename__ = "ledger_postings"
    __table_args__ = (
        ForeignKeyConstraint(
            ["org_id", "operation_id", "phase"],
            ["ledger_operations.org_id", "ledger_operations.operation_id", "ledger_operations.phase"],
        ),
        _ref("grant_id", "grants"),
        Index("ledger_postings_by_grant", "org_id", "grant_id"),
        Index("ledger_postings_by_cause", "operation_id", postgresql_where="phase IN ('grant', 'revoke')"),
    )
    org_id: str = Field(primary_key=True)
    operation_id: str = Field(primary_key=True)
    phase: str = Field(primary_key=True)
    grant_id: str = Field(primary_key=True)
    account: str = Field(primary_key=True)
    amount: int


class KeptQuote(SQLModel, table=True):
    """A price that is promised until `expires_at`, to one job. `request`: {clips, reel}. `price`: as in `jobs`."""

    __tablename__ = "quotes"
    __table_args__ = (
        UniqueConstraint("org_id", "id"),
        _ref("asset_id", "assets"),
        _ref("job_id", "jobs"),
        Index("quotes_unused", "expires_at", postgresql_where="job_id IS NULL"),
    )
    id: str = Field(primary_key=True)
    org_id: str = Field(foreign_key="organisations.id")
    mode: str
    kind: str
    asset_id: str
    request: dict[str, Any] = _json()
    price: dict[str, Any] = _json()
    job_id: str | None = None
    created_at: datetime = _time(now=True)
    expires_at: datetime = _time()


class Subscription(SQLModel, table=True):
    """A subscription as the card processor told it last. `status` is its word, `as_of` when it was so."""

    __tablename__ = "subscriptions"
    org_id: str = Field(primary_key=True, foreign_key="organisations.id")
    mode: str = Field(primary_key=True)
    provider_id: str = Field(primary_key=True)
    plan: str
    status: str
    period_end: datetime = _time()
    as_of: datetime = _time()


class Finding(SQLModel, table=True):
    """What reconciliation found and did. kind: terminated | lost | stuck | orphaned_hold | ..."""

    __tablename__ = "findings"
    __table_args__ = (UniqueConstraint("org_id", "id"),)
    id: str = Field(primary_key=True)
    org_id: str = Field(foreign_key="organisations.id")
    kind: str
    subject: str
    detail: str
    action: str
    at: datetime = _time(now=True)


class CardCustomer(SQLModel, table=True):
    """Stripe's customer of an organisation, one for each mode: whose an event is, is found by it."""

    __tablename__ = "card_customers"
    org_id: str = Field(primary_key=True, foreign_key="organisations.id")
    mode: str = Field(primary_key=True)
    customer_id: str = Field(unique=True)
    created_at: datetime = _time(now=True)


class Payment(SQLModel, table=True):
    """What a job pays by card; its id is made of the job's. status: created | pending | authorised | captured | canceled | unknown.

    `amount` and `captured`: minor units of `currency`. `intent_id` is empty until Stripe has named one. `reason`: why a card was
    declined, or the payment canceled, in Stripe's words for programs. `at`: when the row last changed.
    """

    __tablename__ = "payments"
    __table_args__ = (
        UniqueConstraint("org_id", "id"),
        Index("payments_one_per_intent", "intent_id", unique=True, postgresql_where="intent_id <> ''"),
        Index("payments_by_time", "mode", "created_at"),
        _ref("job_id", "jobs"),
    )
    id: str = Field(primary_key=True)
    org_id: str = Field(foreign_key="organisations.id")
    mode: str
    job_id: str
    intent_id: str = Field(default="", sa_column_kwargs={"server_default": ""})
    amount: int
    currency: str
    status: str
    captured: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    reason: str = Field(default="", sa_column_kwargs={"server_default": ""})
    capture_before: datetime | None = _time(null=True)
    created_at: datetime = _time(now=True)
    at: datetime = _time(now=True)


class CardEvent(SQLModel, table=True):
    """An event that Stripe sent: `id` is Stripe's. What it said is not kept, for its object is fetched when it is handled.

    Without `org_id` it is nobody's, or not yet known whose; only the system role sees it then. `outcome`: applied | signalled |
    ignored | foreign.
    """

    __tablename__ = "card_events"
    __table_args__ = (Index("card_events_unhandled", "received_at", postgresql_where="handled_at IS NULL"),)
    id: str = Field(primary_key=True)
    org_id: str | None = Field(default=None, foreign_key="organisations.id")
    mode: str
    kind: str
    object_id: str
    outcome: str = Field(default="", sa_column_kwargs={"server_default": ""})
    received_at: datetime = _time(now=True)
    handled_at: datetime | None = _time(null=True)


class WebhookEndpoint(SQLModel, table=True):
    """Where events are sent. `events`: names of them, or `*`. A deleted one is kept for its deliveries.

    `failing_since`: of the first failed try after the last good one. `disabled_reason`: gone | failing | asked, or empty.
    """

    __tablename__ = "webhook_endpoints"
    __table_args__ = (UniqueConstraint("org_id", "id"),)
    id: str = Field(primary_key=True)
    org_id: str = Field(foreign_key="organisations.id")
    mode: str
    url: str
    events: list[str] = Field(sa_column=Column(ARRAY(TEXT), nullable=False))
    description: str = ""
    enabled: bool = True
    disabled_reason: str = ""
    failing_since: datetime | None = _time(null=True)
    created_at: datetime = _time(now=True)
    deleted_at: datetime | None = _time(null=True)


class WebhookSecret(SQLModel, table=True):
    """What an endpoint's events are signed with, until `ends_at`. Apart from the endpoint, so that no listing reads it."""

    __tablename__ = "webhook_secrets"
    __table_args__ = (_ref("endpoint_id", "webhook_endpoints"),)
    org_id: str = Field(primary_key=True)
    endpoint_id: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    secret: str = Field(repr=False)
    ends_at: datetime | None = _time(null=True)


class WebhookEvent(SQLModel, table=True):
    """What is told to one endpoint or more. `data`: ids, states and numbers. Append-only."""

    __tablename__ = "webhook_events"
    __table_args__ = (UniqueConstraint("org_id", "id"),)
    id: str = Field(primary_key=True)
    org_id: str = Field(foreign_key="organisations.id")
    type: str
    data: dict[str, Any] = _json()
    created_at: datetime = _time(now=True)


class WebhookDelivery(SQLModel, table=True):
    """One event on its way to one endpoint. status: pending | succeeded | failed | canceled.

    `replay`: 0, or which of the replays that people asked for it is. `http_status`, `error_code`: of the last try.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("org_id", "id"),
        UniqueConstraint("org_id", "event_id", "endpoint_id", "replay"),
        _ref("event_id", "webhook_events"),
        _ref("endpoint_id", "webhook_endpoints"),
        Index("webhook_deliveries_by_endpoint", "org_id", "endpoint_id", "created_at"),
        Index("webhook_deliveries_due", "next_at", postgresql_where="status = 'pending'"),
    )
    id: str = Field(primary_key=True)
    org_id: str = Field(foreign_key="organisations.id")
    event_id: str
    endpoint_id: str
    replay: int
    status: str = "pending"
    tries: int = 0
    http_status: int | None = None
    error_code: str = ""
    next_at: datetime | None = _time(null=True)
    created_at: datetime = _time(now=True)
    ended_at: datetime | None = _time(null=True)


class WebhookAttempt(SQLModel, table=True):
    """One try, counted from 1. `http_status` is None where there was no answer, and `error_code` says why. Append-only."""

    __tablename__ = "webhook_attempts"
    __table_args__ = (_ref("delivery_id", "webhook_deliveries"),)
    org_id: str = Field(primary_key=True)
    delivery_id: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    at: datetime = _time(now=True)
    http_status: int | None = None
    duration_s: float
    error_code: str = ""
