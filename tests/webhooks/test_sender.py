"""One try against receivers of every kind: what is learnt, how long it takes at most, and where it never goes."""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import trustme

from cutroom.errors import InvalidRequest
from cutroom.webhooks import addresses, sender
from cutroom.webhooks.addresses import checked_url, is_public
from cutroom.webhooks.sender import Answer, post
from tests.webhooks.receiver import Receiver, answers, hangs, receiving

LOCAL = frozenset({"localhost"})

NOT_PUBLIC = (
    "0.0.0.0 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.1.2.3 169.254.169.254 172.16.0.1 172.31.255.255",
    "192.0.0.8 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1",
    "240.0.0.1 255.255.255.255 :: ::1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b:1::1",
    "100::1 fe80::1 fec0::1 fc00::1 fd12::1 ff02::1 2001::1 2001:db8::1 2001:10::1 2002:7f00:1::1 2002:808:808::1",
    "3fff::1 5f00::1",
)
PRIVATE = [address for row in NOT_PUBLIC for address in row.split()]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.0.1",
    "172.32.0.1",
    "192.167.1.1",
    "2606:4700::1111",
    "2a00:1450:4001::1",
]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> float:
    """A try may last half a second."""
    monkeypatch.setattr(sender, "TRY_S", 0.5)
    return 0.5


async def tried(url: str, allowed: frozenset[str] = LOCAL) -> Answer:
    return await post(httpx.URL(url), {"webhook-id": "evt_1"}, b"{}", allowed)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_known_as_such(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_one(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        *(f"[{one}]" if ":" in one else one for one in PRIVATE),
        "2130706433",
        "0x7f.1",
        "017700000001",
        "127.1",
        "localhost",
        "a.localhost",
        "localhost.",
    ],
)
def test_a_host_that_is_private_by_its_looks_is_refused_before_anything_is_sent(host: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        checked_url(f"https://{host}/hook", frozenset())
    assert caught.value.code == "webhook_address_private"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "https://",
        "https://me:secret@example.com/",
        "https://example.com/#x",
        "example.com",
        "https://[::1",
    ],
)
def test_a_url_that_is_no_endpoints_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        checked_url(url, frozenset())
    assert caught.value.code == "webhook_url_invalid"


def test_a_host_that_settings_allow_may_be_private_and_plain_and_no_other() -> None:
    assert checked_url("http://localhost:1/x", LOCAL).port == 1
    with pytest.raises(InvalidRequest):
        checked_url("http://127.0.0.1:1/x", LOCAL)


async def test_a_good_answer_is_one(receiver: Receiver) -> None:
    answer = await tried(receiver.at("/x", answers(202, body=b"thanks")))
    assert (answer.status, answer.code, answer.outcome) == (202, "", "ok")
    (request,) = receiver.received
    assert (request.body, request.headers["webhook-id"]) == (b"{}", "evt_1")
    assert request.headers["host"] == receiver.url.removeprefix("http://")


@pytest.mark.parametrize(
    ("status", "code"), [(400, "receiver_refused"), (404, "receiver_refused"), (410, "receiver_gone"), (503, "receiver_refused")]
)
async def test_an_error_is_no_good_answer(receiver: Receiver, status: int, code: str) -> None:
    answer = await tried(receiver.at("/x", answers(status)))
    assert (answer.status, answer.code, answer.outcome) == (status, code, "refused")


async def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    answer = await tried(receiver.at("/x", answers(307, f"Location: {receiver.url}/elsewhere")))
    assert (answer.status, answer.code) == (307, "receiver_redirects")
    assert receiver.paths() == ["/x"]


async def test_who_hangs_costs_the_limit_and_no_more(receiver: Receiver, short: float) -> None:
    began = time.monotonic()
    answer = await tried(receiver.at("/x", hangs))
    assert (answer.status, answer.code) == (None, "receiver_timeout")
    assert short <= answer.seconds <= time.monotonic() - began < 10


async def test_who_drips_is_cut_off_at_the_same_limit(receiver: Receiver, short: float) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.02)

    assert (await tried(receiver.at("/x", drip))).code == "receiver_timeout"


async def test_of_a_flood_64_kb_are_read(receiver: Receiver) -> None:
    sent = 0

    async def flood(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        writer.transport.set_write_buffer_limits(0)
        for _ in range(1000):
            writer.write(bytes(1_000_000))
            await writer.drain()
            sent += 1_000_000

    answer = await tried(receiver.at("/x", flood))
    assert (answer.status, answer.code) == (200, "")
    assert sent < 50_000_000  # what the kernel's buffers took, of a billion


@pytest.mark.parametrize("said", [b"220 mail.example ESMTP\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, b""])
async def test_what_is_no_http_is_an_answer_of_no_use(receiver: Receiver, said: bytes) -> None:
    async def babble(writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()

    assert (await tried(receiver.at("/x", babble))).code == "receiver_answer_invalid"


async def test_how_long_to_wait_is_heard_in_seconds_and_as_a_date(receiver: Receiver) -> None:
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 100))
    for said, low, high in (("7", 7, 7), (date, 90, 100), ("soon", 0, 0), ("-5", 0, 0), ("9" * 400, 1e6, 1e10)):
        answer = await tried(receiver.at("/x", answers(503, f"Retry-After: {said}")))
        assert low <= answer.retry_after_s <= high, said


async def test_a_name_that_leads_to_a_private_address_leads_nowhere(receiver: Receiver) -> None:
    answer = await tried(f"{receiver.url}/x", frozenset())
    assert (answer.status, answer.code) == (None, "webhook_address_private")
    assert receiver.received == []


async def test_a_name_that_changes_after_the_look_leads_to_the_address_that_was_looked_at(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is public when it is checked and private when it is used (DNS rebinding)."""
    asked: list[str] = []

    def public_once(host: str, port: int | None, *rest: object, **more: object) -> list[tuple[object, ...]]:
        asked.append(host)
        address = "1.1.1.1" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port or 0))]

    connected: list[str] = []

    async def connect(host: str, port: int, **_: object) -> None:
        connected.append(host)
        raise ConnectionRefusedError

    monkeypatch.setattr(addresses.socket, "getaddrinfo", public_once)
    monkeypatch.setattr(sender.asyncio, "open_connection", connect)
    answer = await tried("http://rebinding.example/x", frozenset())
    assert (answer.code, asked, connected) == ("receiver_unreachable", ["rebinding.example"], ["1.1.1.1"])


async def test_a_name_in_another_script_is_asked_for_as_it_is_written_on_the_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own codec takes xn--fa-hia.de (with a sharp s) for fass.de, which is somebody else's."""
    asked: list[str] = []
    named: list[object] = []

    def public(host: str, *_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1", 0))]

    async def connect(*_: object, server_hostname: object, **__: object) -> None:
        named.append(server_hostname)
        raise ConnectionRefusedError

    monkeypatch.setattr(addresses.socket, "getaddrinfo", public)
    monkeypatch.setattr(sender.asyncio, "open_connection", connect)
    await tried("https://xn--fa-hia.de/x", frozenset())
    assert (asked, named) == (["xn--fa-hia.de"], ["xn--fa-hia.de"])


def test_a_name_that_only_looks_encoded_breaks_nothing() -> None:
    assert checked_url("https://xn--zz/x", frozenset()).raw_path == b"/x"


async def test_one_private_address_among_public_ones_is_enough_to_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def both(host: str, *_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in ("1.1.1.1", "10.0.0.1")]

    monkeypatch.setattr(addresses.socket, "getaddrinfo", both)
    assert (await tried("https://mixed.example/", frozenset())).code == "webhook_address_private"


async def test_a_name_without_an_address_is_said_to_have_none() -> None:
    assert (await tried("https://nowhere.invalid/", frozenset())).code == "receiver_name_unknown"


async def test_nobody_there_is_unreachable(receiver: Receiver) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        answer = await tried(f"http://localhost:{unused.getsockname()[1]}/")
    assert (answer.code, answer.outcome) == ("receiver_unreachable", "unreachable")


async def test_tls_is_checked_against_the_name_of_the_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    for name, code in (("localhost", ""), ("other.example", "receiver_tls_failed")):
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(server)
        trusting = ssl.create_default_context(cafile=tmp_path / "ca.pem")
        monkeypatch.setattr(sender, "_tls", lambda trusting=trusting: trusting)
        async with receiving(ssl=server) as receiver:
            assert (await tried(f"{receiver.url}/x")).code == code


async def test_a_proxy_of_the_environment_is_not_asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert (await tried(f"{receiver.url}/x")).status == 204
