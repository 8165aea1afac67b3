"""What the API answers. Fields that a newer server adds are kept and ignored."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

ENDED = frozenset({"succeeded", "failed", "canceled", "expired"})


class Resource(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class Reason(Resource):
    code: str
    detail: str


class Asset(Resource):
    """status: uploading | verifying | ready | rejected | duplicate. `warnings`: what to know before making clips of it."""

    id: str
    kind: str | None
    status: str
    filename: str
    size_bytes: int
    duplicate_of: str | None = None
    warnings: list[str] = []
    error: Reason | None = None


class Upload(Resource):
    """`id` is None, and there is nothing to send, where the organisation has these bytes already."""

    id: str | None
    asset_id: str
    status: str
    part_size: int
    part_count: int


class Clip(Resource):
    id: str
    ordinal: int
    status: str
    title: str
    start_s: float
    end_s: float
    score: dict[str, Any]
    error: Reason | None = None


class Job(Resource):
    """`progress`: step -> 0 to 1. `timings`: step -> seconds. `warnings`: what could not be done as asked.

    `files_expire_at`: its files cannot be downloaded from then on; None while it runs, and where they stay.
    """

    id: str
    kind: str
    status: str
    step: str | None = None
    progress: dict[str, float] = {}
    attention: dict[str, Any] | None = None
    error: Reason | None = None
    price: dict[str, Any] = {}
    clips: list[Clip] = []
    warnings: list[str] = []
    timings: dict[str, float] = {}
    trace_id: str | None = None
    created_at: datetime
    files_expire_at: datetime | None = None

    @property
    def ended(self) -> bool:
        return self.status in ENDED


class Event(Resource):
    """One event of a job; `seq` is None for `progress`, which says how far each step is."""

    seq: int | None
    kind: str
    data: dict[str, Any]


class File(Resource):
    name: str
    url: str
    size_bytes: int
    sha256: str


class Quote(Resource):
    """What a job costs at most, in `unit`: `credit`, or minor units of a currency. Until `expires_at` it holds for one job."""

    id: str
    kind: str
    lines: list[dict[str, Any]]
    total: int
    unit: str
    expires_at: datetime


class Payment(Resource):
    """What a summary's card pays, in minor units of `currency`. `client_secret`: the payer's browser or app confirms with it.

    `status` as Stripe names it: `requires_capture` is authorised, `succeeded` captured. `reason`: why the last try failed.
    """

    intent_id: str
    status: str
    amount: int
    currency: str
    captured: int
    client_secret: str | None = None
    reason: str | None = None
    capture_before: datetime | None = None


class Balance(Resource):
    """Credits, and the plan that says what is allowed."""

    available: int
    held: int
    spent: int
    expired: int
    revoked: int
    granted: int
    plan: str = ""


class Checkout(Resource):
    """A page of the card processor's; whoever pays goes to `url`."""

    id: str
    url: str


class Entry(Resource):
    """One operation of the ledger. `amounts`: account -> change in credits."""

    operation_id: str
    phase: str
    at: datetime
    amounts: dict[str, int]
    reason: str = ""


class Token(Resource):
    id: str
    name: str
    mode: str
    scopes: list[str]
    created_at: datetime
    revoked_at: datetime | None = None


class MadeToken(Token):
    """`token` is shown this once."""

    token: str


class WebhookEndpoint(Resource):
    """`disabled_reason`: gone | failing | asked; empty while it is enabled."""

    id: str
    mode: str
    url: str
    events: list[str]
    description: str = ""
    enabled: bool
    disabled_reason: str = ""


class MadeWebhookEndpoint(WebhookEndpoint):
    """`secret` verifies what is sent; it is shown this once."""

    secret: str


class WebhookAttempt(Resource):
    number: int
    at: datetime
    http_status: int | None
    duration_s: float
    error_code: str


class WebhookDelivery(Resource):
    """status: pending | succeeded | failed | canceled."""

    id: str
    event_id: str
    event_type: str
    endpoint_id: str
    status: str
    http_status: int | None
    error_code: str
    next_at: datetime | None
    attempts: list[WebhookAttempt] = []
