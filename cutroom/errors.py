"""Every error that Cutroom raises on purpose: one tree, one table of codes.

CutroomError
├── InvalidRequest      422  the request itself cannot be met
├── BadSignature        400  a webhook that is not signed as it should be
├── BadInput            422  the uploaded bytes cannot be used; never retried, never charged
├── Unauthorized        401      ├── Forbidden 403      ├── NotFound 404      ├── Conflict 409
├── Gone                410  it was there, and is kept no longer
├── InsufficientCredits 402
├── PlanLimit           402  the organisation's plan does not allow it
├── CardDeclined        402  the bank said no; another card may be tried
├── TooManyRequests     429
├── ArtifactMissing     500  an input that a step needs is gone; the workflow makes it again
├── StaleLease          500  somebody else makes this artifact now; retried
├── ToolFailed          500  a child process (ffmpeg, the gateway, ...) ended badly; retried
├── Unreachable         503  database, object store or Temporal do not answer; retried
└── SetupError          500  this machine lacks something; the detail says what to do

`detail` is a sentence for a person. It never quotes user text (names, captions, prompts), because details travel through
workflow histories, which cannot be erased.
"""

from typing import ClassVar


class CutroomError(Exception):
    """Base of all errors. `code` is stable and documented in docs/errors.md."""

    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    default_code: ClassVar[str] = "internal_error"

    def __init__(self, detail: str, *, code: str | None = None, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.default_code
        self.field = field


class InvalidRequest(CutroomError):
    status = 422
    default_code = "invalid_request"


class BadSignature(CutroomError):
    status = 400
    default_code = "signature_invalid"


class BadInput(CutroomError):
    status = 422
    default_code = "bad_input"


class Unauthorized(CutroomError):
    status = 401
    default_code = "unauthorized"


class Forbidden(CutroomError):
    status = 403
    default_code = "forbidden"


class NotFound(CutroomError):
    status = 404
    default_code = "not_found"


class Conflict(CutroomError):
    status = 409
    default_code = "conflict"


class Gone(CutroomError):
    status = 410
    default_code = "file_expired"


class InsufficientCredits(CutroomError):
    status = 402
    default_code = "insufficient_credits"


class CardDeclined(CutroomError):
    """`decline_code` is Stripe's, such as `insufficient_funds`; nothing of the card is ever kept."""

    status = 402
    default_code = "card_declined"

    def __init__(self, detail: str, *, decline_code: str = "") -> None:
        super().__init__(detail)
        self.decline_code = decline_code


class PlanLimit(CutroomError):
    """`plan`: the smallest plan on sale that would allow it; None where none would."""

    status = 402
    default_code = "plan_limit"

    def __init__(self, detail: str, *, plan: str | None, field: str | None = None) -> None:
        super().__init__(detail, field=field)
        self.plan = plan


class TooManyRequests(CutroomError):
    status = 429
    default_code = "too_many_requests"


class ArtifactMissing(CutroomError):
    default_code = "artifact_missing"


class StaleLease(CutroomError):
    retryable = True
    default_code = "stale_lease"


class ToolFailed(CutroomError):
    retryable = True
    default_code = "tool_failed"


class Unreachable(CutroomError):
    status = 503
    retryable = True
    default_code = "unavailable"


class SetupError(CutroomError):
    default_code = "setup_incomplete"
