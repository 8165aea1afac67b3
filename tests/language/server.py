"""A little HTTP server that stands in for a language model's, and misbehaves as it is told."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

Act = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Asked:
    """One request. `headers` by lower-case name."""

    line: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class LanguageServer:
    """`url` is what settings would name; `asked` is what came, in order."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def serving(*acts: Act) -> AsyncIterator[LanguageServer]:
    """Does one act per request, the last one again and again."""
    told, following = LanguageServer(), itertools.chain(acts, itertools.repeat(acts[-1]))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            line, *rest = head.strip().split("\r\n")
            headers = {name.lower(): value for name, value in (each.split(": ", 1) for each in rest)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            told.asked.append(Asked(line, headers, json.loads(body or b"{}")))
            told.came.set()
            await next(following)(writer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    told.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield told
    finally:
        server.close()


def status(code: int, body: bytes = b"{}", **headers: str) -> Act:
    async def act(writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {code} Said", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    return act


def says(text: str) -> Act:
    """A chat completion with this text."""
    return status(200, json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}).encode())


def says_after(event: asyncio.Event, text: str) -> Act:
    """The same, once something has happened."""

    async def act(writer: asyncio.StreamWriter) -> None:
        await event.wait()
        await says(text)(writer)

    return act


async def hangs(writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def hangs_up(writer: asyncio.StreamWriter) -> None:
    writer.close()


async def drips(writer: asyncio.StreamWriter) -> None:
    """A good beginning, then a blank now and then, for ever."""
    writer.write(b'HTTP/1.1 200 OK\r\n\r\n{"choices": [')
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.005)


async def floods(writer: asyncio.StreamWriter) -> None:
    writer.write(b'HTTP/1.1 200 OK\r\n\r\n{"choices": [')
    while True:
        writer.write(b" " * 65536)
        await writer.drain()
