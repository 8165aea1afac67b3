"""Standing before a server: bytes passed on, held back or broken off."""

import asyncio


async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, speaking: asyncio.Event | None = None) -> None:
    """Copies until either end is gone; while `speaking` is not set nothing is passed on."""
    try:
        while data := await reader.read(65536):
            if speaking is not None:
                await speaking.wait()
            writer.write(data)
            await writer.drain()
    except OSError:  # the other end is gone
        pass
    finally:
        writer.close()


class Relay:
    """Stands before a server and passes everything on, unless it is told to be silent or to leave."""

    def __init__(self, address: str) -> None:
        self._host, _, self._port = address.rpartition(":")
        self._speaking = asyncio.Event()
        self._speaking.set()
        self._writers: list[asyncio.StreamWriter] = []
        self._joined: list[asyncio.Task[None]] = []
        self.connections = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def speak(self) -> None:
        self._speaking.set()

    def be_silent(self) -> None:
        """Still takes connections and what they say."""
        self._speaking.clear()

    def leave(self) -> None:
        """Breaks every connection and takes no more."""
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._speaking.set()

    async def end(self) -> None:
        self.leave()
        await asyncio.gather(*self._joined)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        behind_reader, behind_writer = await asyncio.open_connection(self._host, int(self._port))
        self._writers += [writer, behind_writer]
        self._joined += [
            asyncio.create_task(forward(reader, behind_writer, self._speaking)),
            asyncio.create_task(forward(behind_reader, writer, self._speaking)),
        ]
