"""One try of one delivery: read what to send, send it while no transaction is open, note what came of it."""

import time

from activities.base import Task, implements
from cutroom.contracts.deliveries import DELIVER, Tried, TryInput
from cutroom.errors import InvalidRequest
from cutroom.settings import Settings
from cutroom.store import deliveries
from cutroom.store.deliveries import Parcel
from cutroom.telemetry import metrics
from cutroom.webhooks.addresses import checked_url
from cutroom.webhooks.events import body_of
from cutroom.webhooks.lanes import Busy, Lanes
from cutroom.webhooks.sender import Answer, post
from cutroom.webhooks.signing import signed_headers

# Tries at a time of one endpoint in one process: of one that works, and of one whose last try failed.
AT_ONCE, AT_ONCE_FAILING = 4, 1
LANES = Lanes()


@implements(DELIVER)
async def deliver(task: Task, wanted: TryInput) -> Tried:
    """Try once, or say when there will be room for it. Twice is once where the first time was noted."""
    database = task.resources.database
    async with database.transaction(wanted.org_id) as session:
        parcel = await deliveries.open_try(session, wanted)
    if isinstance(parcel, Tried):
        return parcel
    try:
        async with LANES.turn(parcel.endpoint_id, AT_ONCE_FAILING if parcel.failing else AT_ONCE):
            delay_s = time.time() - parcel.event.created_at.timestamp()
            answer = await _post(task.resources.settings, parcel)
    except Busy as busy:
        async with database.transaction(wanted.org_id) as session:
            await deliveries.put_off(session, wanted.delivery_id, busy.wait_s)
        return Tried(counted=False, wait_s=busy.wait_s)
    async with database.transaction(wanted.org_id) as session:
        tried = await deliveries.close_try(session, wanted, answer)
    metrics.WEBHOOK_TRIES.labels(answer.outcome).inc()
    if wanted.number == 1:
        metrics.WEBHOOK_DELAY.labels(answer.outcome).observe(max(0.0, delay_s))
    return tried


async def _post(settings: Settings, parcel: Parcel) -> Answer:
    body = body_of(parcel.event.type, parcel.event.created_at, parcel.event.data)
    headers = signed_headers(parcel.secrets, parcel.event.id, int(time.time()), body)
    try:
        url = checked_url(parcel.url, settings.private_hosts)
    except InvalidRequest as error:  # a host that was allowed to be private when the endpoint was made
        return Answer(code=error.code)
    about = {"Content-Type": "application/json", "User-Agent": "Cutroom-Webhooks", **headers}
    return await post(url, about, body, settings.private_hosts)
