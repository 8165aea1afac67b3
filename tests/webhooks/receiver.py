"""A receiver of webhooks on loopback that misbehaves as told."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook

Behaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)

    def json(self) -> Any:
        return json.loads(self.body)

    def verified_by(self, secret: str) -> Any:
        """The body, as somebody who follows the standard reads it."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass
class Receiver:
    """`url`: of it by the name localhost. `behave`: what it does after a request was read, by the request's path."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    behaviours: dict[str, Behaviour] = field(default_factory=dict)

    def at(self, path: str, *behaviours: Behaviour) -> str:
        """The URL of a path that behaves in these ways, one after the other, and the last from then on."""
        each = itertools.chain(behaviours, itertools.repeat(behaviours[-1]))

        async def act(writer: asyncio.StreamWriter) -> None:
            await next(each)(writer)

        self.behaviours[path] = act
        return self.url + path

    def paths(self) -> list[str]:
        return [one.path for one in self.received]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            body = await reader.readexactly(int(headers["content-length"]))
            path = first.split(" ")[1]
            self.received.append(Received(path, headers, body))
            await self.behaviours.get(path, answers(204))(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def answers(status: int, *headers: str, body: bytes = b"") -> Behaviour:
    async def behave(writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", *headers, "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()

    return behave


async def hangs(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3600)


@asynccontextmanager
async def receiving(**tls: Any) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    tasks: set[asyncio.Task[None]] = set()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(receiver.serve(reader, writer)))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, **tls)
    scheme = "https" if tls else "http"
    receiver.url = f"{scheme}://localhost:{server.sockets[0].getsockname()[1]}"
    try:
        yield receiver
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
