"""How the language model's server is asked, and what becomes of a server that does not behave."""

import asyncio
import logging
import time
from email.utils import formatdate
from typing import Any

import pytest

from cutroom.errors import CutroomError, SetupError, Unreachable
from cutroom.language import endpoint as endpoint_module
from cutroom.language.endpoint import Endpoint, Message
from cutroom.local.ports import free_port
from cutroom.telemetry.metrics import REGISTRY
from tests.language.server import Act, drips, floods, hangs, hangs_up, says, serving, status

KEY = "sk-nobody-may-see-this"
SPOKEN = "what was said in private"
SCHEMA: dict[str, Any] = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
QUESTION = [Message(role="user", content=SPOKEN)]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint_module, "FIRST_WAIT_S", 0.01)


async def ask(url: str, *, key: str = KEY, timeout_s: float = 20.0) -> str:
    async with Endpoint(url, "some-model", key, timeout_s) as endpoint:
        return await endpoint.answer(QUESTION, SCHEMA)


async def refusal(*acts: Act, timeout_s: float = 20.0) -> tuple[CutroomError, int]:
    """What it comes to, and after how many requests."""
    async with serving(*acts) as server:
        with pytest.raises((Unreachable, SetupError)) as caught:
            await ask(server.url, timeout_s=timeout_s)
        assert KEY not in str(caught.value)
        return caught.value, len(server.asked)


def counted(outcome: str) -> float:
    labels = {"service": "language", "operation": "answer", "outcome": outcome}
    return REGISTRY.get_sample_value("cutroom_call_seconds_count", labels) or 0.0


async def test_the_model_is_asked_for_json_of_a_schema_with_the_key() -> None:
    before = counted("ok")
    async with serving(says("{}")) as server:
        assert await ask(f"{server.url}/") == "{}"
        (asked,) = server.asked
    assert asked.line == "POST /v1/chat/completions HTTP/1.1"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert (asked.body["model"], asked.body["messages"]) == ("some-model", QUESTION)
    assert asked.body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert counted("ok") == before + 1


async def test_a_server_of_ones_own_needs_no_key() -> None:
    async with serving(says("{}")) as server:
        await ask(server.url, key="")
        assert "authorization" not in server.asked[0].headers


@pytest.mark.parametrize("code", [400, 422, 500])
async def test_a_server_that_knows_no_schema_is_asked_without(code: int) -> None:
    async with serving(status(code), says("{}")) as server:
        assert await ask(server.url) == "{}"
        first, second = server.asked
    assert "response_format" in first.body
    assert second.body.keys() == {"model", "messages"}


@pytest.mark.parametrize("busy", [status(429, Retry_After="0"), status(503), hangs_up])
async def test_a_busy_server_is_asked_again(busy: Act) -> None:
    async with serving(busy, busy, says("{}")) as server:
        assert await ask(server.url) == "{}"
        assert len(server.asked) == 3


async def test_it_waits_as_long_as_a_busy_server_asks_for() -> None:
    async with serving(status(429, Retry_After="0.2"), says("{}")) as server:
        began = time.monotonic()
        await ask(server.url)
        assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize("when", ["3600", formatdate(time.time() + 3600, usegmt=True), "inf"])
async def test_a_server_that_asks_for_too_long_a_wait_is_left(when: str) -> None:
    error, requests = await refusal(status(429, Retry_After=when))
    assert (error.code, requests) == ("language_unavailable", 1)


@pytest.mark.parametrize(
    ("act", "code", "requests"),
    [
        (status(503, Retry_After="soon"), "language_unavailable", 4),
        (hangs_up, "language_unavailable", 4),
        (status(401), "language_refused", 1),
        (status(404), "language_refused", 1),
        (status(400), "language_refused", 2),
        (status(302, Location="http://127.0.0.1:9/v1"), "language_refused", 1),
        (floods, "language_unusable", 1),
        (status(200, b"<html>"), "language_unusable", 1),
        (status(200, b'{"choices": []}'), "language_unusable", 1),
        (status(200, b"\x1f\x8b\x08\x00", Content_Encoding="gzip"), "language_unusable", 1),
    ],
    ids=["busy", "hangs up", "key", "model", "question", "elsewhere", "floods", "html", "nothing", "compressed"],
)
async def test_a_server_that_is_of_no_use_is_an_error_that_says_so(act: Act, code: str, requests: int) -> None:
    error, asked = await refusal(act)
    assert (error.code, asked) == (code, requests)


@pytest.mark.parametrize("act", [hangs, drips])
async def test_a_server_that_does_not_come_to_an_end_is_left_in_time(act: Act) -> None:
    before = counted("unreachable")
    async with asyncio.timeout(10):
        error, requests = await refusal(act, timeout_s=0.2)
    assert (error.code, requests) == ("language_unavailable", 1)
    assert counted("unreachable") == before + 1


async def test_nobody_there_is_an_error_that_says_so() -> None:
    with pytest.raises(Unreachable) as caught:
        await ask(f"http://127.0.0.1:{free_port()}/v1")
    assert caught.value.code == "language_unavailable"


@pytest.mark.parametrize("url", ["", "localhost/v1", "http://model:port/v1"])
async def test_an_address_that_is_none_names_its_setting(url: str) -> None:
    with pytest.raises(SetupError, match="CUTROOM_LANGUAGE_URL"):
        await ask(url)


@pytest.mark.parametrize("key", ["k\ney", "cl\u00e9"])
async def test_a_key_that_cannot_be_sent_names_its_setting(key: str) -> None:
    async with serving(says("{}")) as server:
        with pytest.raises(SetupError, match="CUTROOM_LANGUAGE_API_KEY") as caught:
            await ask(server.url, key=key)
    assert key not in str(caught.value)


async def test_an_answer_without_words_is_an_empty_one() -> None:
    async with serving(status(200, b'{"choices": [{"message": {"content": null, "refusal": "no"}}]}')) as server:
        assert await ask(server.url) == ""


async def test_neither_key_nor_words_are_logged(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(status(429), says(SPOKEN)) as server:
        await ask(server.url)
    await refusal(status(200, SPOKEN.encode()))
    told = caplog.text + "".join(capfd.readouterr())
    assert "POST" in told
    assert KEY not in told
    assert SPOKEN not in told
