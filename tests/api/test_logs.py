"""Logs carry what is needed to follow a request, and no secret."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from cutroom import logs
from cutroom.identity.tokens import new_token


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Each test's logs are its own."""
    root = logging.getLogger()
    before = root.handlers, root.level
    yield
    root.handlers, root.level = before
    structlog.reset_defaults()


def test_no_secret_leaves_under_any_name_or_inside_any_text(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json")
    token = new_token("live").text
    log = structlog.get_logger("test")
    log.info("one", api_key="hidden-1", nested={"password": "hidden-2", "url": "postgresql://app:hidden-3@db/x"})
    log.info("two", header=f"Bearer {token}", url="http://s3/k?X-Amz-Credential=hidden-4&X-Amz-Signature=hidden-5")
    logging.getLogger("library").warning("sent %s", token)
    try:
        raise ValueError(token)
    except ValueError:
        log.exception("three")
    said = capsys.readouterr().err
    assert token not in said
    assert "hidden-" not in said
    assert len(said.splitlines()) == 4


def test_entries_carry_their_context(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json")
    with structlog.contextvars.bound_contextvars(request_id="req_1", job_id="cmp_1", token_id="tok_1"):
        structlog.get_logger("test").info("done", key="org/o/x")
    entry = json.loads(capsys.readouterr().err)
    expected = {"event": "done", "request_id": "req_1", "job_id": "cmp_1", "token_id": "tok_1", "key": "org/o/x"}
    assert expected.items() <= entry.items()


def test_people_get_lines_and_no_secrets_either(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("console")
    token = new_token("test").text
    try:
        raise ValueError(token)
    except ValueError:
        structlog.get_logger("test").exception("broke", token=token)
    said = capsys.readouterr().err
    assert "broke" in said
    assert token not in said
