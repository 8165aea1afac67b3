"""The HTTP API: `create_app(settings)`. It translates and authorises; what it decides on is in cutroom."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

import cutroom
from api import problems
from api.deps import Services
from api.middleware import RequestContext
from api.routes import (
    admin,
    assets,
    campaigns,
    checkouts,
    clips,
    credits,
    health,
    hooks,
    jobs,
    prices,
    quotes,
    summaries,
    tokens,
    uploads,
    webhooks,
)
from cutroom.settings import Settings

DESCRIPTION = """Long recordings become captioned vertical clips, and summaries with timestamped highlights.

Send a bearer token with each request. Errors are problem+json (RFC 9457) with a stable `code`. Lists come in pages:
pass `next_cursor` on as `cursor`. A POST that creates takes an `Idempotency-Key`.
"""


class Api(FastAPI):
    """FastAPI, whose document says of which media type problems are."""

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        for operation in (operation for path in document["paths"].values() for operation in path.values()):
            content = operation["responses"]["default"]["content"]
            content[problems.MEDIA_TYPE] = content.pop("application/json", content.get(problems.MEDIA_TYPE))
        return document


def create_app(settings: Settings) -> FastAPI:
    """The application. Its services live while it runs; none connects before the first request needs it."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.services = Services.of(settings)
        yield
        await app.state.services.close()

    app = Api(
        title="Cutroom",
        version=cutroom.__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        redoc_url=None,
        # FastAPI's own spans and logs hold paths and inputs as clients wrote them; `RequestContext` writes ours.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        responses={"default": {"model": problems.Problem, "description": "What went wrong, as problem+json."}},
        generate_unique_id_function=lambda route: route.name,
    )
    app.add_middleware(RequestContext)
    problems.install(app)
    for noun in (
        uploads,
        assets,
        prices,
        quotes,
        campaigns,
        summaries,
        jobs,
        clips,
        credits,
        checkouts,
        tokens,
        admin,
        hooks,
        health,
    ):
        app.include_router(noun.router)
    for router in (webhooks.endpoints, webhooks.sent):
        app.include_router(router)
    return app
