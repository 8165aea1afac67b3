"""Sending one mail: by SMTP, or into a folder. Blocking; to be called in a thread.

The URL says how: `smtp://` begins with STARTTLS and sends no password before, `smtps://` is TLS from the first byte,
`file:///folder` writes an `.eml`.
"""

import smtplib
import ssl
import uuid
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from cutroom.errors import SetupError, Unreachable
from cutroom.telemetry.calls import measured

TIMEOUT_S = 15.0


def compose(sender: str, recipient: str, subject: str, text: str) -> EmailMessage:
    """A plain mail that no one need answer."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, recipient, subject
    mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain="cutroom.invalid")
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text)
    return mail


def send(url: str, mail: EmailMessage, context: ssl.SSLContext | None = None) -> None:
    """Hand a mail over. Raises Unreachable (`mail_unavailable`), SetupError (`mail_refused`)."""
    where = _parsed(url)
    with measured("mail", "send"):
        if where.scheme == "file":
            _drop(Path(unquote(where.path)), mail)
            return
        try:
            with _connected(where, context) as server:
                if where.username:
                    server.login(unquote(where.username), unquote(where.password or ""))
                server.send_message(mail)
        except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused, smtplib.SMTPNotSupportedError) as error:
            if _passes(error):
                raise Unreachable("The mail server asks to come back later.", code="mail_unavailable") from None
            raise SetupError("The mail server refuses our mail; correct CUTROOM_SMTP_URL.", code="mail_refused") from None
        except (OSError, smtplib.SMTPException):
            raise Unreachable("The mail server does not answer.", code="mail_unavailable") from None


def _parsed(url: str) -> SplitResult:
    """Raises SetupError (`mail_refused`) for what says no way that we know."""
    try:
        where = urlsplit(url)
        known = where.scheme == "file" or (where.scheme in ("smtp", "smtps") and where.hostname and where.port != 0)
    except ValueError:  # it quotes what it cannot read, which may be a part of a password
        known = False
    if not known:
        raise SetupError(
            "CUTROOM_SMTP_URL is none of smtp://host:port, smtps://host:port and file:///folder. Write / in a password as %2F.",
            code="mail_refused",
        )
    return where


def _connected(where: SplitResult, context: ssl.SSLContext | None) -> smtplib.SMTP:
    host, tls = where.hostname or "", context or ssl.create_default_context()
    if where.scheme == "smtps":
        return smtplib.SMTP_SSL(host, where.port or 465, timeout=TIMEOUT_S, context=tls)
    server = smtplib.SMTP(host, where.port or 587, timeout=TIMEOUT_S)
    try:
        server.starttls(context=tls)
    except BaseException:
        server.close()
        raise
    return server


def _passes(error: smtplib.SMTPException) -> bool:
    """Whether the server's no is one of those (4xx) that another time may end."""
    return isinstance(error, smtplib.SMTPResponseException) and 400 <= error.smtp_code < 500


def _drop(folder: Path, mail: EmailMessage) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = uuid.uuid4().hex
    part = folder / f".{name}.part"
    part.write_bytes(mail.as_bytes())
    part.replace(folder / f"{name}.eml")
