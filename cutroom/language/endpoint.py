"""An OpenAI-compatible chat endpoint, asked for JSON. It is optional, so every way in which it fails is an error of two kinds.

An answer is bounded in bytes and in seconds, so that a server which floods, drips or hangs costs that much and no more.
Neither the key nor what was asked and answered is logged, or quoted by an error.
"""

import asyncio
import email.utils
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self, TypedDict

import httpx
from pydantic import BaseModel, Field, ValidationError

from cutroom.errors import SetupError, Unreachable
from cutroom.telemetry.calls import measured

MOST_BYTES = 256 * 1024
MOST_TRIES = 4
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0
CONNECT_S = 10.0
PATIENCE_S = 60.0  # for tries and waits, beyond the time of one answer
BUSY = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
NOT_UNDERSTOOD = frozenset({400, 422, 500, 501})


class Message(TypedDict):
    """`role`: system | user | assistant."""

    role: str
    content: str


class _Said(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Said


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)


class Endpoint:
    """One model behind one base URL (`https://.../v1`). Use it as a context manager."""

    def __init__(self, url: str, model: str, api_key: str, timeout_s: float) -> None:
        """`timeout_s`: for one answer."""
        self._url = f"{url.rstrip('/')}/chat/completions"
        self._model = model
        self._key = api_key.strip()
        self._timeout_s = timeout_s
        self._http = httpx.AsyncClient(timeout=httpx.Timeout(None, connect=CONNECT_S))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._http.aclose()

    async def answer(self, messages: Sequence[Message], schema: dict[str, Any]) -> str:
        """What the model says, meant to be JSON of `schema`, which not every server can enforce: check it.

        Raises Unreachable (`language_unavailable` where it does not answer in time or stays busy, `language_unusable` where
        it gives no chat completion) and SetupError (`language_refused`).
        """
        with measured("language", "answer"):
            try:
                async with asyncio.timeout(self._timeout_s + PATIENCE_S):
                    return _text_of(await self._patiently(messages, schema))
            except TimeoutError:
                raise _away("it did not answer in time") from None

    async def _patiently(self, messages: Sequence[Message], schema: dict[str, Any]) -> bytes:
        """The body of a good answer. A question that is not understood is put again without what few servers know."""
        wanted = {"name": "answer", "strict": True, "schema": schema}
        options: dict[str, Any] = {"temperature": 0, "response_format": {"type": "json_schema", "json_schema": wanted}}
        wait_s, pause_s = 0.0, FIRST_WAIT_S
        for _ in range(MOST_TRIES):
            await asyncio.sleep(wait_s)
            try:
                status, headers, body = await self._post({"model": self._model, "messages": list(messages), **options})
            except httpx.TransportError:
                status, headers, body = 503, httpx.Headers(), b""
            if 200 <= status < 300:
                return body
            if status in NOT_UNDERSTOOD and options:
                options, wait_s = {}, 0.0
            elif status in BUSY:
                wait_s, pause_s = max(pause_s, _retry_after_s(headers)), 2 * pause_s
                if wait_s > LONGEST_WAIT_S:
                    break
            else:
                raise SetupError(f"The language model's server refuses the question with status {status}.", code="language_refused")
        raise _away("it cannot be reached or is busy")

    async def _post(self, body: dict[str, Any]) -> tuple[int, httpx.Headers, bytes]:
        """Status, headers and body. Bytes are taken as they come: a compressed answer could be of any size."""
        headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {self._key}"} if self._key else {})
        read = bytearray()
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._http.stream("POST", self._url, json=body, headers=headers) as response,
            ):
                async for piece in response.aiter_raw():
                    read += piece
                    if len(read) > MOST_BYTES:
                        raise _unusable("its answer is far too long")
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeError):
            detail = "The language model's URL or key cannot be used; correct CUTROOM_LANGUAGE_URL or CUTROOM_LANGUAGE_API_KEY."
            raise SetupError(detail, code="language_refused") from None
        return response.status_code, response.headers, bytes(read)


def _text_of(body: bytes) -> str:
    try:
        return _Completion.model_validate_json(body).choices[0].message.content or ""
    except ValidationError:
        raise _unusable("its answer is no chat completion") from None


def _retry_after_s(headers: httpx.Headers) -> float:
    """Seconds from now, of seconds or of a date; 0 where nothing readable is said."""
    said = headers.get("Retry-After", "")
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(said).timestamp() - time.time())
    except ValueError:
        return 0.0


def _away(why: str) -> Unreachable:
    return Unreachable(f"The language model's server was of no use: {why}.", code="language_unavailable")


def _unusable(why: str) -> Unreachable:
    return Unreachable(f"The language model's server was of no use: {why}.", code="language_unusable")
