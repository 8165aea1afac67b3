"""Deliveries: one try of one, sent while no transaction is open; and those that no workflow works on any more."""

import time
from collections import Counter
from datetime import timedelta

from activities.base import Task, implements
from cutroom.contracts.deliveries import DELIVER, Tried, TryInput
from cutroom.contracts.reconciliation import RECONCILE_DELIVERIES, EveryOrganisation, Findings
from cutroom.errors import InvalidRequest
from cutroom.settings import Settings
from cutroom.store import deliveries, outbox, reconciliation
from cutroom.store.deliveries import Parcel
from cutroom.store.tables import WebhookDelivery
from cutroom.telemetry import metrics
from cutroom.temporal.engine import RunState
from cutroom.webhooks.addresses import checked_url
from cutroom.webhooks.events import body_of
from cutroom.webhooks.lanes import Busy, Lanes
from cutroom.webhooks.sender import Answer, post
from cutroom.webhooks.signing import signed_headers

# Tries at a time of one endpoint in one process: of one that works, and of one whose last try failed.
AT_ONCE, AT_ONCE_FAILING = 4, 1
LANES = Lanes()
OVERDUE = timedelta(minutes=10)
MENDED_AT_ONCE = 200


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


@implements(RECONCILE_DELIVERIES)
async def reconcile_deliveries(task: Task, _: EveryOrganisation) -> Findings:
    """Start anew the deliveries that Temporal has forgotten, and give up those whose workflow was ended."""
    async with task.resources.all_organisations.transaction(None) as session:
        overdue = await deliveries.overdue(session, OVERDUE, MENDED_AT_ONCE)
    counts: Counter[str] = Counter()
    for done, delivery in enumerate(overdue, 1):
        state = await task.resources.engine.state(deliveries.target_of(delivery))
        if state is not RunState.RUNNING and (found := await _mend(task, delivery, state)):
            counts[found] += 1
        task.beat(done, len(overdue))
    return Findings(counts=counts)


async def _mend(task: Task, overdue: WebhookDelivery, state: RunState) -> str:
    target = deliveries.target_of(overdue)
    async with task.resources.all_organisations.transaction(overdue.org_id) as session:
        delivery = await deliveries.still_pending(session, overdue.id)
        if delivery is None or await reconciliation.waits_in_outbox(session, target):
            return ""
        if state is RunState.UNKNOWN:
            payload = {"org_id": delivery.org_id, "delivery_id": delivery.id, "tried": delivery.tries, "anew": True}
            await outbox.add(session, delivery.org_id, "start", target, payload)
            kind, detail, action = "lost_delivery", "Temporal knows nothing of the workflow.", "Started anew."
        else:
            deliveries.cancel(delivery, code="workflow_terminated")
            kind, detail, action = (
                "stopped_delivery",
                "The workflow ended without ending its delivery.",
                "Canceled; it can be replayed.",
            )
        await reconciliation.add_finding(session, delivery.org_id, kind, delivery.id, detail, action)
    return kind
