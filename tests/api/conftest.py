"""The API in this process over the real database, store and Temporal, and organisations to call it."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.deps import Services, until
from cutroom.contracts.base import ArtifactRef
from cutroom.contracts.ids import new_id
from cutroom.contracts.ingest import AcceptInput, Inspected
from cutroom.contracts.media import AssetKind, MediaFacts
from cutroom.settings import Settings
from cutroom.store import assets, identity, ledger, uploads
from cutroom.store.tables import Asset, Upload

MINUTE = MediaFacts(container="mp4", duration_s=61.0, width=1280, height=720, fps=25.0, video_codec="h264", has_audio=True)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[FastAPI]:
    """The application between its start and its end."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


@dataclass(frozen=True)
class Tenant:
    """An organisation with a token, and a client that sends it."""

    org_id: str
    token: str
    services: Services
    http: httpx.AsyncClient

    async def asset(
        self,
        kind: AssetKind = "video",
        *,
        status: str = "ready",
        language: str = "",
        sha256: str | None = None,
        media: MediaFacts = MINUTE,
    ) -> str:
        """The id of an asset as an ingest leaves it; its bytes are not stored."""
        asset_id, upload_id = new_id("ast"), new_id("upl")
        key = f"org/{self.org_id}/assets/{asset_id}/source/{upload_id}"
        asset = Asset(id=asset_id, org_id=self.org_id, kind="", status="uploading", filename="talk.mp4", size=7)
        upload = Upload(
            id=upload_id,
            org_id=self.org_id,
            asset_id=asset_id,
            status="open",
            key=key,
            store_upload_id="gone",
            part_size=uploads.PART_SIZE,
            part_count=1,
            size=7,
            expires_at=until(3600),
        )
        async with self.services.database.transaction(self.org_id) as session:
            await uploads.create(session, asset, upload)
            if status in ("verifying", "ready"):
                await uploads.mark_completing(session, upload_id)
            if status == "ready":
                source = ArtifactRef(key=key, sha256=sha256 or hashlib.sha256(asset_id.encode()).hexdigest(), size=7)
                facts = media if kind == "video" else None
                found = Inspected(source=source, kind=kind, content_type="video/mp4", media=facts, language=language)
                await assets.accept(session, AcceptInput(org_id=self.org_id, asset_id=asset_id, inspected=found))
        return asset_id

    async def campaign(self, **body: Any) -> dict[str, Any]:
        """A new campaign, over a new asset where none is named."""
        response = await self.http.post("/v1/campaigns", json={"asset_id": body.get("asset_id") or await self.asset(), **body})
        assert response.status_code == 202, response.text
        created: dict[str, Any] = response.json()
        return created


MakeTenant = Callable[..., Awaitable[Tenant]]


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    async with running(settings) as app:
        yield app


@pytest.fixture
async def make_tenant(app: FastAPI) -> AsyncIterator[MakeTenant]:
    """Makes organisations; each has 1,000 credits unless told otherwise."""
    async with AsyncExitStack() as clients:

        async def make(app: FastAPI = app, credits: int = 1000, scopes: tuple[str, ...] = ("admin",)) -> Tenant:
            services: Services = app.state.services
            async with services.system.transaction(None) as session:
                org_id = await identity.create_organisation(session, "somebody")
                _, token = await identity.create_token(session, org_id, "test", "live", list(scopes))
                if credits:
                    await ledger.grant(session, org_id, "live", credits, "test", new_id("grt"))
            transport = httpx.ASGITransport(app=app)
            headers = {"Authorization": f"Bearer {token}"}
            http = httpx.AsyncClient(transport=transport, base_url="http://api", headers=headers, timeout=30)
            return Tenant(org_id, token, services, await clients.enter_async_context(http))

        yield make


@pytest.fixture
async def tenant(make_tenant: MakeTenant) -> Tenant:
    return await make_tenant()
