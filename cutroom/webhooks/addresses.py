"""Which addresses a webhook may go to: public ones. Pure, but for looking names up in `look_up`.

What is not public is of IANA's registries of special-purpose addresses (IPv4 and IPv6). Of IPv6 only global unicast
(2000::/3) is public: that leaves out loopback, link-local, unique local, multicast, IPv4-mapped (::ffff:0:0/96) and NAT64
(64:ff9b::/96) by itself; the ranges inside it that lead into other networks are named.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

import httpx

from cutroom.errors import InvalidRequest

_SPECIAL_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' NAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, where clouds keep their metadata
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
_SPECIAL_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")  # Teredo and others, examples, 6to4, examples
)
# A name whose server hangs holds a thread for a while: of its own, so that it keeps nobody else's look-ups waiting.
_RESOLVERS = ThreadPoolExecutor(max_workers=256, thread_name_prefix="resolve")


class AddressPrivate(Exception):
    """The host is at an address that is not public."""


def is_public(address: str) -> bool:
    """Whether an IP address, as text, is one that anybody on the internet means by it."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in network for network in _SPECIAL_V4)
    return ip.scope_id is None and ip in _PUBLIC_V6 and not any(ip in network for network in _SPECIAL_V6)


def checked_url(text: str, private_hosts: Collection[str]) -> httpx.URL:
    """The URL of an endpoint: https to a host that is not private by its looks; names are looked up when it is used.

    `private_hosts` may be private, and plain http. Raises InvalidRequest (`webhook_url_invalid`, `webhook_address_private`).
    """
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, UnicodeError):
        raise _invalid("This is no URL.") from None
    host = host_of(url)
    allowed = host in private_hosts
    if url.scheme != "https" and not (allowed and url.scheme == "http"):
        raise _invalid("An endpoint's URL begins with https://.")
    if not host or url.userinfo or url.fragment:
        raise _invalid("An endpoint's URL has a host, and neither a user nor a fragment.")
    if not allowed and _looks_private(host):
        raise InvalidRequest("This host is not on the public internet.", code="webhook_address_private", field="url")
    return url


def host_of(url: httpx.URL) -> str:
    """The host as it is on the wire, in ASCII.

    `url.host` is decoded, fails on labels that are no IDNA, and would be encoded again by the older rules of Python's codec,
    which take other characters for the same: another host than the one that was named.
    """
    return url.raw_host.decode("ascii")


async def look_up(url: httpx.URL, private_hosts: Collection[str]) -> list[str]:
    """The addresses of a URL's host, looked up once: connect to one of these and to nothing else.

    Raises AddressPrivate where one of them is not public, socket.gaierror where there is none.
    """
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(_RESOLVERS, socket.getaddrinfo, host_of(url), url.port, 0, socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if host_of(url) not in private_hosts and not all(is_public(address) for address in addresses):
        raise AddressPrivate
    return addresses


def _looks_private(host: str) -> bool:
    """Whether a host is private without asking anybody: an address in any notation, or `localhost`."""
    name = host.rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (socket.gaierror, UnicodeError):
        return False
    return not all(is_public(str(entry[4][0])) for entry in found)


def _invalid(detail: str) -> InvalidRequest:
    return InvalidRequest(detail, code="webhook_url_invalid", field="url")
