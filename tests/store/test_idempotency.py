"""The same request, sent however often and at once, does its work once."""

import asyncio

import pytest
from sqlalchemy import func, select

from cutroom.contracts.ids import new_id
from cutroom.errors import InvalidRequest
from cutroom.store import idempotency
from cutroom.store.database import Database
from cutroom.store.idempotency import Answer
from cutroom.store.tables import Outbox
from tests.conftest import DatabaseUrls
from tests.store.conftest import Tenant, new_tenant

ROUTE = "POST /v1/campaigns"


async def post(app: Database, org_id: str, key: str, body: str = "body") -> tuple[Answer, bool]:
    """What a creating route does; answers its answer, and whether it was a replay."""
    async with app.transaction(org_id) as session:
        replayed = await idempotency.claim(session, org_id, ROUTE, key, body)
        if replayed is not None:
            return replayed, True
        row = Outbox(id=new_id("out"), org_id=org_id, kind="start", target="campaign/x")
        session.add(row)
        answer = Answer(202, {"id": row.id})
        await idempotency.keep(session, org_id, ROUTE, key, answer)
        return answer, False


async def test_fifty_identical_requests_at_once_have_one_effect(database_urls: DatabaseUrls, app: Database, tenant: Tenant) -> None:
    crowd = Database(database_urls.app, pool_size=50)
    answers = await asyncio.gather(*(post(crowd, tenant.org_id, "one key") for _ in range(50)))
    await crowd.close()
    assert sorted(replayed for _, replayed in answers) == [False] + [True] * 49
    assert len({answer.body["id"] for answer, _ in answers}) == 1
    assert {answer.status for answer, _ in answers} == {202}
    async with app.transaction(tenant.org_id) as session:
        assert await session.scalar(select(func.count()).select_from(Outbox)) == 1


async def test_a_key_with_another_body_is_refused(app: Database, tenant: Tenant) -> None:
    await post(app, tenant.org_id, "key", "one body")
    with pytest.raises(InvalidRequest) as caught:
        await post(app, tenant.org_id, "key", "another body")
    assert (caught.value.status, caught.value.code) == (422, "idempotency_key_reused")


async def test_a_request_that_failed_is_not_remembered(app: Database, tenant: Tenant) -> None:
    async with app.transaction(tenant.org_id) as session:
        assert await idempotency.claim(session, tenant.org_id, ROUTE, "key", "body") is None
        await session.rollback()
    _, replayed = await post(app, tenant.org_id, "key")
    assert not replayed


async def test_a_request_takes_the_place_of_one_that_fails_beside_it(app: Database, tenant: Tenant) -> None:
    async with app.transaction(tenant.org_id) as session:
        assert await idempotency.claim(session, tenant.org_id, ROUTE, "key", "body") is None
        second = asyncio.create_task(post(app, tenant.org_id, "key"))
        done, _ = await asyncio.wait([second], timeout=0.3)
        assert not done
        await session.rollback()
    _, replayed = await asyncio.wait_for(second, 10)
    assert not replayed


async def test_a_key_means_something_else_to_another_organisation(app: Database, system: Database, tenant: Tenant) -> None:
    await post(app, tenant.org_id, "key")
    _, replayed = await post(app, (await new_tenant(system)).org_id, "key")
    assert not replayed
