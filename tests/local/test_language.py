"""What `cutroom doctor` says of the language model."""

import asyncio
import json

import pytest
from pydantic import SecretStr

from cutroom.local.language import language
from cutroom.local.ports import free_port
from cutroom.settings import Settings
from tests.language.server import Act, serving, status

MODELS = json.dumps({"data": [{"id": "some-model"}, {"id": "another"}]}).encode()
KEY = "sk-nobody-may-see-this"


def settings(url: str, model: str = "some-model") -> Settings:
    return Settings(language_url=url, language_model=model, language_api_key=SecretStr(KEY))


def test_without_an_endpoint_nothing_is_missing() -> None:
    assert (language(Settings()).state, language(Settings()).advice) == ("ok", "")


@pytest.mark.parametrize(("url", "model", "lacking"), [("http://x/v1", "", "MODEL"), ("", "m", "URL")])
def test_half_a_setting_is_said(url: str, model: str, lacking: str) -> None:
    found = language(settings(url, model))
    assert found.state == "warning"
    assert f"CUTROOM_LANGUAGE_{lacking}" in found.advice


async def test_an_endpoint_that_has_the_model_is_well() -> None:
    async with serving(status(200, MODELS)) as server:
        found = await asyncio.to_thread(language, settings(server.url))
        (asked,) = server.asked
    assert (found.state, found.used, found.source, found.advice) == ("ok", "some-model", "127.0.0.1", "")
    assert asked.line == "GET /v1/models HTTP/1.1"
    assert asked.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("act", "model", "advice"),
    [
        (status(200, MODELS), "a-third", "CUTROOM_LANGUAGE_MODEL"),
        (status(401), "some-model", "CUTROOM_LANGUAGE_API_KEY"),
        (status(200, b"<html>"), "some-model", "CUTROOM_LANGUAGE_URL"),
    ],
)
async def test_what_keeps_an_endpoint_from_being_used_is_said_without_the_key(act: Act, model: str, advice: str) -> None:
    async with serving(act) as server:
        found = await asyncio.to_thread(language, settings(server.url, model))
    assert found.state == "warning"
    assert advice in found.advice
    assert KEY not in str(found)


@pytest.mark.parametrize("url", ["localhost/v1", "http://model:port/v1", f"http://127.0.0.1:{free_port()}/v1"])
def test_nobody_there_is_a_warning(url: str) -> None:
    assert language(settings(url)).state == "warning"
