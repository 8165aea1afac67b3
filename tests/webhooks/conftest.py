"""An organisation with endpoints on loopback, and what an outbound worker has to reach them."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from activities.base import Resources, Task
from activities.deliveries import deliver
from activities.resources import open_resources
from cutroom.contracts.base import JobRef
from cutroom.contracts.deliveries import Tried, TryInput
from cutroom.contracts.ids import new_id
from cutroom.settings import Settings
from cutroom.store import deliveries, identity, webhooks
from cutroom.store.tables import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from tests.webhooks.receiver import Receiver, receiving


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Webhooks may go to localhost."""
    return settings.model_copy(update={"webhook_private_hosts": "localhost"})


@pytest.fixture
async def resources(settings: Settings) -> AsyncIterator[Resources]:
    async with open_resources(settings) as opened:
        yield opened


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@dataclass
class Sender:
    """An organisation that is told things. `secrets`: endpoint id -> its first secret."""

    resources: Resources
    scratch: Path
    org_id: str = field(default_factory=lambda: new_id("org"))
    secrets: dict[str, str] = field(default_factory=dict)

    async def endpoint(self, url: str, *names: str, mode: str = "live") -> WebhookEndpoint:
        row = WebhookEndpoint(id=new_id("whe"), org_id=self.org_id, mode=mode, url=url, events=list(names) or ["*"])
        async with self.resources.database.transaction(self.org_id) as session:
            self.secrets[row.id] = await webhooks.create(session, row)
        return row

    async def again(self, endpoint: WebhookEndpoint) -> WebhookEndpoint:
        """The endpoint as it is now."""
        async with self.resources.database.transaction(self.org_id) as session:
            return await webhooks.get(session, endpoint.id)

    async def announce(self, type: str = "campaign.succeeded", mode: str = "live", **data: Any) -> list[WebhookDelivery]:
        """Tell an event; the deliveries that it makes."""
        before = {delivery.id for delivery in await self.deliveries()}
        async with self.resources.database.transaction(self.org_id) as session:
            await deliveries.announce(session, self.org_id, mode, type, data)
        return [delivery for delivery in await self.deliveries() if delivery.id not in before]

    async def deliveries(self) -> list[WebhookDelivery]:
        async with self.resources.database.transaction(self.org_id) as session:
            return (await deliveries.read_list(session, None, None, None, 1000)).items

    async def attempts(self, delivery: WebhookDelivery) -> list[WebhookAttempt]:
        async with self.resources.database.transaction(self.org_id) as session:
            return (await deliveries.attempts_of(session, [delivery]))[delivery.id]

    async def delivery(self, delivery: WebhookDelivery) -> WebhookDelivery:
        """The delivery as it is now."""
        async with self.resources.database.transaction(self.org_id) as session:
            return await deliveries.get(session, delivery.id)

    async def attempt(self, delivery: WebhookDelivery, number: int = 1, wait_s: float | None = 5.0) -> Tried:
        """One try, as an outbound worker makes it."""
        task = Task(self.resources, "deliver", JobRef(org_id=self.org_id, job_id=""), "", "test", 1, self.scratch)
        return await deliver(task, TryInput(org_id=self.org_id, delivery_id=delivery.id, number=number, wait_s=wait_s))


@pytest.fixture
async def make_sender(resources: Resources, tmp_path: Path) -> Callable[[], Any]:
    async def make() -> Sender:
        made = Sender(resources, tmp_path)
        async with resources.all_organisations.transaction(None) as session:
            await identity.create_organisation(session, "sender", made.org_id)
        return made

    return make


@pytest.fixture
async def sender(make_sender: Callable[[], Any]) -> Sender:
    made: Sender = await make_sender()
    return made
