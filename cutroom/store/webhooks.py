"""Webhook endpoints and their secrets."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy import delete as sql_delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cutroom.errors import Conflict, InvalidRequest, NotFound
from cutroom.store.pages import Page, read_page
from cutroom.store.tables import WebhookEndpoint, WebhookSecret
from cutroom.webhooks.signing import new_secret

MOST_ENDPOINTS = 50
PREVIOUS_LIVES = timedelta(hours=24)


async def create(session: AsyncSession, endpoint: WebhookEndpoint) -> str:
    """Add an endpoint; answers its secret. Raises InvalidRequest (`webhook_endpoints_too_many`)."""
    there = select(func.count()).where(col(WebhookEndpoint.org_id) == endpoint.org_id, col(WebhookEndpoint.deleted_at).is_(None))
    if (await session.scalar(there) or 0) >= MOST_ENDPOINTS:
        detail = f"There are {MOST_ENDPOINTS} endpoints already; delete one that is not needed."
        raise InvalidRequest(detail, code="webhook_endpoints_too_many")
    session.add(endpoint)
    await session.flush()
    await session.refresh(endpoint)
    return _add_secret(session, endpoint, 1)


async def get(session: AsyncSession, endpoint_id: str) -> WebhookEndpoint:
    """Raises NotFound (`webhook_endpoint_unknown`), for a deleted one too."""
    endpoint = await session.get(WebhookEndpoint, endpoint_id)
    if endpoint is None or endpoint.deleted_at is not None:
        raise NotFound("There is no such webhook endpoint in this organisation.", code="webhook_endpoint_unknown")
    return endpoint


async def get_enabled(session: AsyncSession, endpoint_id: str) -> WebhookEndpoint:
    """Raises NotFound (`webhook_endpoint_unknown`), Conflict (`webhook_endpoint_disabled`)."""
    endpoint = await get(session, endpoint_id)
    if not endpoint.enabled:
        raise Conflict("This webhook endpoint is turned off; enable it first.", code="webhook_endpoint_disabled")
    return endpoint


async def read_list(session: AsyncSession, cursor: str | None, limit: int) -> Page[WebhookEndpoint]:
    """Endpoints, newest first."""
    query = select(WebhookEndpoint).where(col(WebhookEndpoint.deleted_at).is_(None))
    return await read_page(session, query, WebhookEndpoint.created_at, WebhookEndpoint.id, cursor, limit)


async def change(session: AsyncSession, endpoint_id: str, values: Mapping[str, Any]) -> WebhookEndpoint:
    """Set url, events, description, enabled. Enabling begins anew: what failed before counts no more. Raises NotFound."""
    endpoint = await get(session, endpoint_id)
    for name, value in values.items():
        setattr(endpoint, name, value)
    if "enabled" in values:
        endpoint.disabled_reason = "" if endpoint.enabled else "asked"
        endpoint.failing_since = None
    await session.flush()
    return endpoint


async def delete(session: AsyncSession, endpoint_id: str) -> None:
    """Send nothing more there, and forget its secrets. Raises NotFound."""
    endpoint = await get(session, endpoint_id)
    endpoint.deleted_at = datetime.now(UTC)
    await session.execute(sql_delete(WebhookSecret).where(col(WebhookSecret.endpoint_id) == endpoint_id))


async def rotate(session: AsyncSession, endpoint_id: str) -> tuple[WebhookEndpoint, str]:
    """A new secret; the one before is valid for a day more, and one before that no longer. Raises NotFound."""
    endpoint = await get(session, endpoint_id)
    # One rotation at a time, and none of what is being deleted: who waited sees what the one before left.
    await session.refresh(endpoint, with_for_update={"key_share": True})
    await get(session, endpoint_id)
    last, *older = (await session.scalars(secrets_of(endpoint))).all()
    last.ends_at = datetime.now(UTC) + PREVIOUS_LIVES
    for secret in older:
        await session.delete(secret)
    return endpoint, _add_secret(session, endpoint, last.number + 1)


async def valid_secrets(session: AsyncSession, endpoint: WebhookEndpoint) -> list[str]:
    """What to sign with now, the newest first."""
    kept = (await session.scalars(secrets_of(endpoint))).all()
    return [each.secret for each in kept if each.ends_at is None or each.ends_at > datetime.now(UTC)]


def secrets_of(endpoint: WebhookEndpoint) -> Select[WebhookSecret]:
    mine = (col(WebhookSecret.org_id) == endpoint.org_id, col(WebhookSecret.endpoint_id) == endpoint.id)
    return select(WebhookSecret).where(*mine).order_by(col(WebhookSecret.number).desc())


def _add_secret(session: AsyncSession, endpoint: WebhookEndpoint, number: int) -> str:
    secret = new_secret()
    session.add(WebhookSecret(org_id=endpoint.org_id, endpoint_id=endpoint.id, number=number, secret=secret))
    return secret
