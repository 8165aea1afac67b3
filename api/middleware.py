"""What surrounds every request: its id, its log line, the limit of its body, and an answer where the code broke."""

import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from opentelemetry import trace
from opentelemetry.trace import SpanKind
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from cutroom.contracts.ids import new_id
from cutroom.settings import MIB
from cutroom.telemetry import tracing
from cutroom.telemetry.metrics import HTTP_SECONDS

log = structlog.get_logger(__name__)

MAX_BODY_BYTES = MIB
PROBES = ("/healthz", "/readyz", "/metrics")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class RequestContext:
    """Takes or makes `X-Request-Id`, binds it to all logs, and answers what nobody expected as `internal_error`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        given = request.headers.get("x-request-id", "")
        request_id = given if GIVEN_ID.fullmatch(given) else new_id("req")
        request.state.request_id = request_id
        started, status, taken = time.monotonic(), 0, 0

        async def receive_limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MAX_BODY_BYTES:
                raise HTTPException(413)
            return message

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        with _traced(request), structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, receive_limited, send_with_id)
            except Exception:
                log.exception("request_broke", method=request.method, path=request.url.path)
                if status:
                    raise
                detail = "Something went wrong on our side; tell us the request_id if it goes on."
                await problems.answer(request_id, 500, "internal_error", detail)(scope, receive, send_with_id)
            finally:
                seconds = time.monotonic() - started
                HTTP_SECONDS.labels(_method(request), _route(scope), status).observe(seconds)
                trace.get_current_span().set_attribute("http.response.status_code", status)
                level = logging.DEBUG if request.url.path in PROBES else logging.INFO
                log.log(level, "request", method=request.method, path=request.url.path, status=status, seconds=round(seconds, 4))


@contextmanager
def _traced(request: Request) -> Iterator[None]:
    """A span of the client's trace, or of a new one. It tells of the route, and nothing of what the client wrote into its URL."""
    if request.url.path in PROBES:
        yield
        return
    method = _method(request)
    with (
        tracing.continuing(request.headers.get(tracing.TRACEPARENT, "")),
        tracing.spanning(method, SpanKind.SERVER) as span,
    ):
        yield
        route = _route(request.scope)
        span.update_name(f"{method} {route}")
        span.set_attributes({"http.request.method": method, "http.route": route})


def _method(request: Request) -> str:
    """A method that we know: a client may call one anything."""
    return request.method if request.method in METHODS else "other"


def _route(scope: Scope) -> str:
    """The template of the route that answered, such as /v1/jobs/{job_id}."""
    return getattr(scope.get("route"), "path", "unmatched")
