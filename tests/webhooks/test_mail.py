"""Mails: to whom, about what, by which way, and that one that cannot be sent harms nothing."""

import email
import ssl
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pydantic import SecretStr

from activities.base import Task
from activities.mail import send_mail
from cutroom import mail
from cutroom.contracts.base import JobRef
from cutroom.contracts.deliveries import MailInput
from cutroom.contracts.jobs import JobStatus
from cutroom.errors import SetupError, Unreachable
from cutroom.local.ports import free_port
from cutroom.store import identity
from tests.webhooks.conftest import Sender
from tests.webhooks.test_deliveries import job_of, record, started


class Inbox:
    """A mail server's handler that keeps what it gets, or answers `refusal`."""

    def __init__(self, refusal: str = "") -> None:
        self.refusal = refusal
        self.got: list[Envelope] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.refusal:
            return self.refusal
        self.got.append(envelope)
        return "250 OK"


@contextmanager
def mail_server(inbox: Inbox, authority: trustme.CA) -> Iterator[int]:
    """Its port. It asks for STARTTLS and for ada's password."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)

    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and data == LoginPassword(b"ada@x", b"p@ss word")
        return AuthResult(success=good, handled=False)

    controller = Controller(
        inbox, "localhost", free_port(), tls_context=tls, require_starttls=True, authenticator=check, auth_required=True
    )
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def a_mail() -> EmailMessage:
    return mail.compose("us@example.com", "ada@example.org", "campaign cmp_1: succeeded", "It has ended.\n")


def test_a_mail_goes_over_tls_with_the_password_of_the_url(authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    inbox = Inbox()
    with mail_server(inbox, authority) as port:
        mail.send(f"smtp://ada%40x:p%40ss%20word@localhost:{port}", a_mail(), trusting)
    (got,) = inbox.got
    assert (got.mail_from, got.rcpt_tos) == ("us@example.com", ["ada@example.org"])


def test_a_server_that_cannot_be_trusted_gets_neither_password_nor_mail(authority: trustme.CA) -> None:
    inbox = Inbox()
    with mail_server(inbox, authority) as port, pytest.raises(Unreachable, match="does not answer"):
        mail.send(f"smtp://ada%40x:p%40ss%20word@localhost:{port}", a_mail())
    assert inbox.got == []


@pytest.mark.parametrize(("refusal", "error"), [("451 later", Unreachable), ("550 never", SetupError)])
def test_what_may_pass_is_tried_again_and_what_will_not_is_not(
    refusal: str, error: type[Exception], authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    with mail_server(Inbox(refusal), authority) as port, pytest.raises(error):
        mail.send(f"smtp://ada%40x:p%40ss%20word@localhost:{port}", a_mail(), trusting)


def test_a_wrong_password_is_said_to_be_refused(authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    with mail_server(Inbox(), authority) as port, pytest.raises(SetupError) as caught:
        mail.send(f"smtp://ada%40x:wrong@localhost:{port}", a_mail(), trusting)
    assert caught.value.code == "mail_refused"
    assert "wrong" not in caught.value.detail


def test_nobody_there_is_tried_again_and_a_url_of_another_kind_is_not() -> None:
    with pytest.raises(Unreachable):
        mail.send(f"smtp://localhost:{free_port()}", a_mail())
    with pytest.raises(SetupError):
        mail.send("https://example.com", a_mail())


@pytest.mark.parametrize("letter", ["/", "\u2100"])
def test_what_cannot_be_read_of_a_password_is_no_part_of_what_is_said(letter: str) -> None:
    password = "".join(("hu", "sh"))
    with pytest.raises(SetupError) as caught:
        mail.send(f"smtp://ada:{password}{letter}@localhost", a_mail())
    assert password not in "".join(traceback.format_exception(caught.value))


async def test_the_owners_who_want_it_are_told_that_a_job_ended_and_none_of_its_words(
    sender: Sender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = sender.resources.settings.model_copy(update={"smtp_url": SecretStr(f"file://{tmp_path}/a%20folder")})
    async with sender.resources.all_organisations.transaction(None) as session:
        for who, role, wants in (("ada", "admin", True), ("bob", "admin", False), ("eve", "member", True)):
            await identity.add_member(session, sender.org_id, f"{who}@example.org", role, wants_mail=wants)
    job = await job_of(sender)
    await record(sender, job, 1, "status", JobStatus.PROCESSING)
    await record(sender, job, 2, "status", JobStatus.SUCCEEDED)
    assert await started(sender) == [f"mail/{job.job_id}"]
    resources = type(sender.resources)(**{**vars(sender.resources), "settings": settings})
    task = Task(resources, "send_mail", JobRef(org_id=sender.org_id, job_id=""), "", "test", 1, tmp_path)
    await send_mail(task, MailInput(org_id=sender.org_id, about=job.job_id))
    (dropped,) = (tmp_path / "a folder").iterdir()
    said = email.message_from_bytes(dropped.read_bytes())
    assert dropped.suffix == ".eml"
    assert (said["To"], said["Subject"]) == ("ada@example.org", f"campaign {job.job_id}: succeeded")
    assert "secret plans" not in dropped.read_text()


async def test_without_a_way_to_send_mail_none_is_sent_and_nothing_fails(sender: Sender, tmp_path: Path) -> None:
    job = await job_of(sender)
    task = Task(sender.resources, "send_mail", JobRef(org_id=sender.org_id, job_id=""), "", "test", 1, tmp_path)
    await send_mail(task, MailInput(org_id=sender.org_id, about=job.job_id))
