"""`python -m worker_cpu control | outbound | media`: polls one queue with the rights that its environment gives it."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from activities import (
    assets,
    card_events,
    deliveries,
    jobs,
    language,
    mail,
    media,
    money,
    payment_reconciliation,
    payments,
    purchase_reconciliation,
    reconciliation,
    reels,
    selection,
    shots,
    speech,
    summaries,
)
from activities.base import Implementation, Resources
from activities.resources import open_resources
from cutroom import process
from cutroom.contracts.steps import Queue
from cutroom.settings import get_settings
from cutroom.temporal.outbox import sweep_forever
from cutroom.temporal.schedules import ensure_schedules
from cutroom.temporal.worker import make_worker, run_until_stopped
from worker_cpu import census
from workflows.campaign import Campaign
from workflows.card_event import CardEvent
from workflows.clip import Clip
from workflows.delivery import Delivery, Mail
from workflows.ingest import Ingest
from workflows.payment_reconciliation import PaymentReconciliation
from workflows.payment_release import PaymentRelease
from workflows.reconciliation import Reconciliation
from workflows.summary import Summary

CONTROL: Sequence[Implementation[Any, Any]] = (
    assets.accept_asset,
    assets.complete_upload,
    assets.reject_asset,
    deliveries.reconcile_deliveries,
    card_events.apply_card_state,
    jobs.finish_clip,
    jobs.record_clips,
    jobs.record_event,
    jobs.record_files,
    jobs.resolve_plan,
    money.hold_credits,
    money.settle_credits,
    payment_reconciliation.compare_payments,
    payment_reconciliation.list_payments,
    purchase_reconciliation.compare_sales,
    purchase_reconciliation.list_grants,
    purchase_reconciliation.mend_purchase,
    reconciliation.expire_files,
    reconciliation.expire_grants,
    reconciliation.purge_records,
    reconciliation.reconcile_holds,
    reconciliation.reconcile_jobs,
    reconciliation.sweep_uploads,
    summaries.record_summary,
    summaries.resolve_summary,
)
OUTBOUND: Sequence[Implementation[Any, Any]] = (
    card_events.look_up_card_object,
    deliveries.deliver,
    language.rerank_clips,
    mail.send_mail,
    payment_reconciliation.cancel_stray,
    payment_reconciliation.fetch_payments,
    payment_reconciliation.read_payments,
    purchase_reconciliation.read_sales,
    payments.capture_payment,
    payments.look_at_payment,
    payments.open_payment,
    payments.release_payment,
    reconciliation.sweep_store,
    summaries.write_summary,
)
MEDIA: Sequence[Implementation[Any, Any]] = (
    media.inspect_upload,
    media.make_poster,
    media.package_clip,
    media.prepare_media,
    media.prepare_sound,
    media.render_clip,
    reels.join_reel,
    reels.plan_reel,
    selection.select_clips,
    shots.join_shots,
    speech.join_transcript,
    speech.plan_speech,
    summaries.summarise,
)
WORKFLOWS: Sequence[type] = (
    Campaign,
    CardEvent,
    Clip,
    Delivery,
    Ingest,
    Mail,
    PaymentReconciliation,
    PaymentRelease,
    Reconciliation,
    Summary,
)


async def main(role: str) -> None:
    """Poll the queue of `role` until asked to stop."""
    settings = get_settings()
    process.begin(settings, role)
    async with open_resources(settings) as resources:
        client = await resources.engine.client()
        if role == "control":
            await ensure_schedules(client)
            worker = make_worker(client, Queue.CONTROL, _bound(CONTROL, resources), WORKFLOWS, drain_s=settings.drain_s)
            async with _caretaking(resources):
                await run_until_stopped(worker, Queue.CONTROL, settings)
        elif role == "outbound":
            bound = _bound(OUTBOUND, resources)
            worker = make_worker(client, Queue.OUTBOUND, bound, slots=settings.outbound_slots, drain_s=settings.drain_s)
            await run_until_stopped(worker, Queue.OUTBOUND, settings)
        else:
            bound = _bound(MEDIA, resources)
            worker = make_worker(client, Queue.CPU_MEDIA, bound, slots=settings.media_slots, drain_s=settings.drain_s)
            await run_until_stopped(worker, Queue.CPU_MEDIA, settings)


def _bound(implementations: Sequence[Implementation[Any, Any]], resources: Resources) -> list[Callable[..., Any]]:
    return [implementation.bind(resources) for implementation in implementations]


@contextlib.asynccontextmanager
async def _caretaking(resources: Resources) -> AsyncIterator[None]:
    """Deliver the outbox and take the census meanwhile. One that breaks takes the worker along: its supervisor starts all again."""
    system, engine = resources.all_organisations, resources.engine
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(sweep_forever(system, engine)),
            group.create_task(census.take_forever(system, resources.objects, engine)),
        ]
        yield
        for task in tasks:
            task.cancel()


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in ("control", "outbound", "media"):
        sys.exit("usage: python -m worker_cpu control | outbound | media")
    asyncio.run(main(sys.argv[1]))
