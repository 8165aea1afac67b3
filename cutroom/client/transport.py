"""One HTTP connection to the API: retries while the server is away, problems become errors of `cutroom.errors`."""

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx

from cutroom.errors import (
    BadInput,
    Conflict,
    CutroomError,
    Forbidden,
    Gone,
    InsufficientCredits,
    InvalidRequest,
    NotFound,
    PlanLimit,
    TooManyRequests,
    Unauthorized,
    Unreachable,
)

ERRORS: dict[int, type[CutroomError]] = {
    401: Unauthorized,
    402: InsufficientCredits,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    413: InvalidRequest,
    422: InvalidRequest,
    429: TooManyRequests,
    503: Unreachable,
}
PATIENCE_S = 30.0
LONGEST_WAIT_S = 5.0


class Transport:
    """Calls the API with a token, again and again for `patience_s` seconds while it does not answer."""

    def __init__(self, base_url: str, token: str, patience_s: float = PATIENCE_S, transport: httpx.BaseTransport | None = None):
        self._patience_s = patience_s
        self.http = httpx.Client(
            base_url=base_url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(30, connect=5),
            transport=transport,
        )
        self.store = httpx.Client(timeout=httpx.Timeout(120, connect=5), transport=transport)

    def get(self, path: str, **params: Any) -> Any:
        return self.call("GET", path, params=_given(params))

    def text(self, path: str, **params: Any) -> str:
        """What is answered there, which is no JSON. Raises like `call`."""
        answer: str = self.patiently(lambda: _text(self.http.get(path, params=_given(params))))
        return answer

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """`key`: the Idempotency-Key; a fresh one where it is left out, so that a retry never creates twice."""
        return self.call("POST", path, json=body, headers={"Idempotency-Key": key or uuid4().hex})

    def delete(self, path: str) -> None:
        self.call("DELETE", path)

    def call(self, method: str, path: str, **options: Any) -> Any:
        """The JSON answer. Raises the error that the API names, Unreachable where it stays away."""
        return self.patiently(lambda: _json(self.http.request(method, path, **options)))

    def patiently(self, attempt: Callable[[], Any]) -> Any:
        """Repeat `attempt` while it raises Unreachable or the connection breaks, at most for the patience."""
        deadline, wait = time.monotonic() + self._patience_s, 0.25
        while True:
            try:
                return attempt()
            except (httpx.TransportError, Unreachable) as error:
                if time.monotonic() + wait > deadline:
                    raise _unreachable(error) from error
            time.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT_S)

    def close(self) -> None:
        self.http.close()
        self.store.close()


def _given(params: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


def _text(response: httpx.Response) -> str:
    if response.is_success:
        return response.text
    raise error_of(response)


def _json(response: httpx.Response) -> Any:
    if response.is_success:
        return response.json() if response.content else None
    raise error_of(response)


def error_of(response: httpx.Response) -> CutroomError:
    """The error that a problem+json answer stands for."""
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    code, detail = problem.get("code", f"http_{response.status_code}"), problem.get("detail", response.reason_phrase)
    fields = "; ".join(f"{e['field']}: {e['detail']}" if e.get("field") else e["detail"] for e in problem.get("errors", []))
    if code == PlanLimit.default_code:
        return PlanLimit(detail, plan=problem.get("plan"))
    return ERRORS.get(response.status_code, CutroomError)(fields or detail, code=code)


def rejection(code: str, detail: str) -> BadInput:
    """The error that a rejected asset stands for."""
    return BadInput(detail, code=code)


def _unreachable(error: Exception) -> Unreachable:
    if isinstance(error, Unreachable):
        return error
    return Unreachable("The server does not answer; is `cutroom up` running, and CUTROOM_API_URL right?", code="api_unavailable")
