"""Every error as RFC 9457 problem+json: `code`, `detail`, `request_id`, `errors[]`. Values that people sent are never echoed."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from cutroom.errors import CutroomError, Forbidden, PlanLimit, TooManyRequests, Unauthorized, Unreachable

log = structlog.get_logger(__name__)

RETRY_AFTER_S = 5
MEDIA_TYPE = "application/problem+json"

# What HTTP itself refuses, before any of our own rules: status -> code and detail.
HTTP_PROBLEMS = {
    400: ("body_unreadable", "The body of this request cannot be read; send JSON in UTF-8."),
    404: ("route_unknown", "There is nothing at this address; see /docs for all of them."),
    405: ("method_not_allowed", "This address does not take this method; the Allow header names those that it takes."),
    413: ("body_too_large", "The body of this request is too large; bytes of media go to the store, by an upload's URLs."),
}

# Pydantic's many error types as the few that a client can act on; our own validators name theirs.
FIELD_CODES = {"missing": "field_missing", "extra_forbidden": "field_unknown", "json_invalid": "json_invalid"}
OTHER_FIELD_CODE = "field_invalid"
FIELD_DETAILS = {"extra_forbidden": "There is no such field.", "json_invalid": "The body is not valid JSON."}


class FieldProblem(BaseModel):
    """`field` is a path such as `clips.count`; empty where the problem is not one field's."""

    field: str
    code: str
    detail: str


class Problem(BaseModel):
    """`code` is stable, and explained in docs/errors.md. `plan`: with `plan_limit`, the plan that would allow it."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    errors: list[FieldProblem] = []
    plan: str | None = None


def answer(
    request_id: str,
    status: int,
    code: str,
    detail: str,
    errors: Sequence[FieldProblem] = (),
    headers: dict[str, str] | None = None,
    plan: str | None = None,
) -> Response:
    """A problem+json response."""
    problem = Problem(
        type=f"urn:cutroom:error:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=detail,
        request_id=request_id,
        errors=list(errors),
        plan=plan,
    )
    return JSONResponse(problem.model_dump(exclude_none=True), status_code=status, headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer all errors of `app` as problems. What nobody expected is caught by the middleware, as `internal_error`."""
    app.add_exception_handler(CutroomError, _on_cutroom_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)


async def _on_cutroom_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, CutroomError)
    if error.status >= 500:
        log.warning("request_failed", code=error.code, detail=error.detail, exc_info=error.__cause__)
    errors = [FieldProblem(field=error.field, code=error.code, detail=error.detail)] if error.field else []
    plan = error.plan if isinstance(error, PlanLimit) else None
    return answer(request.state.request_id, error.status, error.code, error.detail, errors, _headers(error), plan)


def _headers(error: CutroomError) -> dict[str, str]:
    if isinstance(error, Forbidden):
        return {"WWW-Authenticate": 'Bearer realm="cutroom", error="insufficient_scope"'}
    if isinstance(error, Unauthorized):
        return {"WWW-Authenticate": 'Bearer realm="cutroom"'}
    if isinstance(error, (Unreachable, TooManyRequests)):
        return {"Retry-After": str(RETRY_AFTER_S)}
    return {}


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [_field_problem(found) for found in error.errors()]
    code, detail = errors[0].code, errors[0].detail
    if code.startswith("field_"):
        code, detail = "invalid_request", "Some fields cannot be used; `errors` says which and why."
    return answer(request.state.request_id, 422, code, detail, errors)


def _field_problem(found: dict[str, Any]) -> FieldProblem:
    kind = str(found["type"])
    # The first part says where the field is: body, query, path or header.
    field = "" if kind == "json_invalid" else ".".join(str(part) for part in found["loc"][1:])
    # Pydantic's own types never contain the value; our validators raise PydanticCustomError with a type of ours.
    code = FIELD_CODES.get(kind, kind if found.get("ctx", {}).get("house") else OTHER_FIELD_CODE)
    return FieldProblem(field=field, code=code, detail=FIELD_DETAILS.get(kind, str(found["msg"]).rstrip(".") + "."))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code, detail = HTTP_PROBLEMS.get(error.status_code, HTTP_PROBLEMS[400])
    return answer(request.state.request_id, error.status_code, code, detail, headers=dict(error.headers or {}))
