"""What a worker serves beside its work: /metrics, and /healthz, which answers as long as the process's loop does."""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cutroom.errors import SetupError
from cutroom.settings import Settings
from cutroom.telemetry.metrics import REGISTRY

# A thread of its own: those that all share may all be waiting for a server, which is when metrics are looked at.
_RENDERING = ThreadPoolExecutor(1, "metrics")


async def metrics_response() -> Response:
    """All metrics of this process in Prometheus' text format."""
    text = await asyncio.get_running_loop().run_in_executor(_RENDERING, generate_latest, REGISTRY)
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[None]:
    """Serve the page on CUTROOM_METRICS_HOST:CUTROOM_METRICS_PORT while the body runs; port 0: none.

    Raises SetupError, `port_taken` where somebody else has it.
    """
    if not settings.metrics_port:
        yield
        return
    try:
        listening = socket.create_server((settings.metrics_host, settings.metrics_port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            detail = f"Port {settings.metrics_port}, meant for the metrics, is taken; set CUTROOM_METRICS_PORT to a free one."
            raise SetupError(detail, code="port_taken") from error
        raise SetupError("This machine cannot listen on CUTROOM_METRICS_HOST; correct it.") from error
    server = _Server(uvicorn.Config(_page(), log_config=None, access_log=False))
    running = asyncio.create_task(server.serve([listening]))
    try:
        yield
    finally:
        server.should_exit = True
        await running


def _page() -> Starlette:
    async def metrics(_: Request) -> Response:
        return await metrics_response()

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return Starlette(routes=[Route("/metrics", metrics), Route("/healthz", healthz)])


class _Server(uvicorn.Server):
    """Leaves the process's signals alone: they tell the worker to drain."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
