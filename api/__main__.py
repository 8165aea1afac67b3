"""Runs the API: `python -m api`. On SIGTERM it takes no new requests, ends the running ones and closes its streams."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from api.app import create_app
from cutroom import process
from cutroom.settings import get_settings


class Server(uvicorn.Server):
    """Says that it is ready by touching CUTROOM_READY_FILE, where its supervisor set one; ends the streams before it ends."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        ready_file = os.environ.get("CUTROOM_READY_FILE")
        if self.started and ready_file:
            await asyncio.to_thread(Path(ready_file).touch)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Event streams are told to end, and their clients come back with Last-Event-ID; requests have the drain."""
        self._app.state.services.closing.set()
        await super().shutdown(sockets)


def main() -> None:
    settings = get_settings()
    process.begin(settings, "api")
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.api_host,
        port=settings.api_port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=settings.drain_s,
    )
    # uvicorn raises the signal again once it has drained: that is an end in order, with the last spans written.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    Server(config, app).run()


if __name__ == "__main__":
    main()
