"""One try: POST a body to a URL that a stranger chose, and read little of what it answers.

The name is looked up once and the connection goes to the address that was checked, so a name that changes meanwhile leads
nowhere else; TLS and the Host header keep the name. No redirect is followed, no proxy of the environment is asked.
"""

import asyncio
import email.utils
import socket
import ssl
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cache

import h11
import httpx

from cutroom.webhooks.addresses import AddressPrivate, host_of, look_up

TRY_S = 15.0
MOST_BYTES = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """What became of a try: the `status` of an answer, or None and the `code` of why there was none.

    `retry_after_s`: how long the receiver asks to be left alone. `seconds`: how long the try took.
    """

    status: int | None = None
    code: str = ""
    retry_after_s: float = 0.0
    seconds: float = 0.0

    @property
    def outcome(self) -> str:
        """ok | refused: it answered no | unreachable."""
        return "ok" if not self.code else "refused" if self.status is not None else "unreachable"


async def post(url: httpx.URL, headers: Mapping[str, str], body: bytes, private_hosts: Collection[str]) -> Answer:
    """POST once, within 15 s and 64 kB of answer. Never raises for what a receiver does."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(TRY_S):
            answer = await _exchange(url, headers, body, private_hosts)
    except AddressPrivate:
        answer = Answer(code="webhook_address_private")
    except TimeoutError:
        answer = Answer(code="receiver_timeout")
    except (socket.gaierror, UnicodeError):
        answer = Answer(code="receiver_name_unknown")
    except ssl.SSLError:
        answer = Answer(code="receiver_tls_failed")
    except OSError:
        answer = Answer(code="receiver_unreachable")
    except h11.ProtocolError:
        answer = Answer(code="receiver_answer_invalid")
    return replace(answer, seconds=time.monotonic() - began)


async def _exchange(url: httpx.URL, headers: Mapping[str, str], body: bytes, private_hosts: Collection[str]) -> Answer:
    reader, writer = await _connect(url, await look_up(url, private_hosts))
    try:
        connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MOST_BYTES)
        about = {"Host": url.netloc.decode("ascii"), "Content-Length": str(len(body)), "Connection": "close", **headers}
        request = h11.Request(method="POST", target=url.raw_path, headers=list(about.items()))
        for event in (request, h11.Data(data=body), h11.EndOfMessage()):
            writer.write(connection.send(event) or b"")
        await writer.drain()
        return await _answer(connection, reader)
    finally:
        writer.transport.abort()  # an orderly end would wait for the other side


async def _connect(url: httpx.URL, addresses: list[str]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """To the first address that takes the connection."""
    secure = url.scheme == "https"
    port, tls, name = url.port or (443 if secure else 80), _tls() if secure else None, host_of(url) if secure else None
    refused: OSError | None = None
    for address in addresses:
        try:
            return await asyncio.open_connection(address, port, limit=MOST_BYTES, ssl=tls, server_hostname=name)
        except OSError as error:
            refused = error
    raise refused or OSError("no address")


async def _answer(connection: h11.Connection, reader: asyncio.StreamReader) -> Answer:
    """Status and Retry-After; the rest is read for politeness, up to the limit, and dropped."""
    answer: h11.Response | None = None
    read = 0
    while True:
        try:
            event = connection.next_event()
        except h11.ProtocolError:
            if answer is None:
                raise
            break
        if event is h11.NEED_DATA:
            if read >= MOST_BYTES:
                break
            data = await reader.read(min(16 * 1024, MOST_BYTES - read))
            read += len(data)
            connection.receive_data(data)
        elif isinstance(event, h11.Response):
            answer = event
        elif not isinstance(event, h11.InformationalResponse | h11.Data):
            break
    if answer is None:
        raise h11.RemoteProtocolError("no answer in the bytes that are read")
    said = dict(answer.headers).get(b"retry-after", b"").decode("latin-1")
    return replace(_verdict(answer.status_code), retry_after_s=_retry_after_s(said))


def _verdict(status: int) -> Answer:
    if 200 <= status < 300:
        return Answer(status)
    if status == 410:
        return Answer(status, code="receiver_gone")
    if 300 <= status < 400:
        return Answer(status, code="receiver_redirects")
    return Answer(status, code="receiver_refused")


def _retry_after_s(said: str) -> float:
    """Seconds from now, of seconds or of a date; 0 where nothing readable is said."""
    if said.isascii() and said.isdigit():
        return float(said[:9])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(said).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()
