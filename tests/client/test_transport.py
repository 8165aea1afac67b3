"""How the client meets a server that is away, answers late or refuses."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from cutroom.client import Client
from cutroom.client.transport import Transport
from cutroom.errors import InsufficientCredits, InvalidRequest, NotFound, Unreachable

Answer = Callable[[httpx.Request], httpx.Response]
PROBLEM = {"code": "job_unknown", "detail": "There is no such job.", "errors": []}


def transport(answer: Answer, patience_s: float = 5.0) -> Transport:
    return Transport("http://cutroom.test", "token", patience_s, httpx.MockTransport(answer))


def test_a_problem_becomes_the_error_that_it_names() -> None:
    with pytest.raises(NotFound) as caught:
        transport(lambda _: httpx.Response(404, json=PROBLEM)).get("/v1/jobs/x")
    assert caught.value.code == "job_unknown"


def test_too_few_credits_are_an_error_of_their_own() -> None:
    with pytest.raises(InsufficientCredits):
        transport(lambda _: httpx.Response(402, json=PROBLEM)).post("/v1/campaigns", {})


def test_the_fields_that_were_wrong_are_named() -> None:
    problem = PROBLEM | {"errors": [{"field": "clips.count", "code": "x", "detail": "Ask for 1 to 30 clips."}]}
    with pytest.raises(InvalidRequest, match=r"clips\.count: Ask for 1 to 30 clips\."):
        transport(lambda _: httpx.Response(422, json=problem)).post("/v1/campaigns", {})


def test_a_call_is_repeated_with_the_same_key_until_the_server_is_back() -> None:
    keys: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) == 1:
            raise httpx.ConnectError("away")
        return httpx.Response(503, json=PROBLEM) if len(keys) == 2 else httpx.Response(202, json={"id": "cmp_1"})

    assert transport(answer).post("/v1/campaigns", {}) == {"id": "cmp_1"}
    assert len(keys) == 3
    assert len(set(keys)) == 1


def test_patience_has_an_end() -> None:
    with pytest.raises(Unreachable) as caught:
        transport(lambda _: httpx.Response(503, json=PROBLEM), patience_s=0).get("/v1/jobs")
    assert caught.value.code == "job_unknown"


def test_an_answer_that_is_no_problem_document_is_still_an_error() -> None:
    with pytest.raises(NotFound) as caught:
        transport(lambda _: httpx.Response(404, text="<html>")).get("/v1/jobs/x")
    assert caught.value.code == "http_404"


def test_events_go_on_where_the_connection_broke() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/events"):
            asked.append(request.headers["Last-Event-ID"])
            number = len(asked)
            body = f': alive\n\nid: {number}\nevent: status\ndata: {{"status": "processing"}}\n\n: alive\n\n'
            return httpx.Response(200, text=body, headers={"Content-Type": "text/event-stream"})
        status = "succeeded" if len(asked) > 1 else "processing"
        job = {"id": "cmp_1", "kind": "campaign", "status": status, "created_at": "2026-01-01T00:00:00Z"}
        return httpx.Response(200, json=job)

    with Client("http://cutroom.test", "token", transport=httpx.MockTransport(answer)) as client:
        events = list(client.events("cmp_1"))
    assert [event.seq for event in events] == [1, 2]
    assert asked == ["0", "1"]


def test_wishes_are_sent_as_they_are_and_what_is_left_out_is_the_servers_to_choose() -> None:
    sent: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content))
        job = {"id": "cmp_1", "kind": "campaign", "status": "queued", "created_at": "2026-01-01T00:00:00Z"}
        return httpx.Response(202, json=job)

    with Client("http://cutroom.test", "token", transport=httpx.MockTransport(answer)) as client:
        client.create_campaign("ast_1")
        client.create_campaign("ast_1", aspect="1:1", topic="bread", vocabulary=["Nguy\u1ec5n"])
    assert sent == [
        {"asset_id": "ast_1", "clips": {}, "captions": {}},
        {"asset_id": "ast_1", "clips": {"aspect": "1:1", "topic": "bread"}, "captions": {"vocabulary": ["Nguy\u1ec5n"]}},
    ]
