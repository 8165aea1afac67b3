"""Deliberate damage to payments: each is named, and mended where that is certain."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import stripe

import activities.payment_reconciliation as reconciling
from activities.base import Resources, Task
from activities.payments import capture_payment, open_payment, release_payment
from activities.resources import open_resources
from cutroom.contracts.base import ArtifactRef, JobRef
from cutroom.contracts.ids import new_id
from cutroom.contracts.jobs import EventInput, JobStatus
from cutroom.contracts.summary import REEL_FILE, CaptureInput
from cutroom.local.cards.server import CardServer
from cutroom.money.prices import quote
from cutroom.settings import Settings
from cutroom.store import identity, jobs, payments, reconciliation
from cutroom.store.tables import Asset, Job, Payment
from tests.cards.days import read_day, today
from tests.conftest import DatabaseUrls, card_settings

PRICE = quote("summary", source_s=1200, currency="usd", reel=True)
WITHOUT_REEL = PRICE.total - 50


@dataclass
class Till:
    """One organisation with summaries, what they pay, and Stripe behind it."""

    resources: Resources
    task: Task
    sdk: stripe.StripeClient
    org_id: str
    asset_id: str

    async def job(self) -> JobRef:
        job = JobRef(org_id=self.org_id, job_id=new_id("sum"))
        row = Job(
            id=job.job_id,
            org_id=job.org_id,
            kind="summary",
            mode="test",
            status="pending",
            asset_id=self.asset_id,
            price=PRICE.model_dump(),
        )
        async with self.resources.database.transaction(job.org_id) as session:
            await jobs.create(session, row)
            await payments.begin(session, job, "test", PRICE.total, PRICE.unit)
        return job

    async def held(self) -> JobRef:
        """A summary whose card is authorised."""
        job = await self.job()
        await open_payment(self.task, job)
        await self.confirm((await self.payment(job)).intent_id)
        await open_payment(self.task, job)
        return job

    async def captured(self, *, reel: bool = True) -> JobRef:
        """A summary that was paid and can be read, with its reel or without."""
        job = await self.held()
        await capture_payment(self.task, CaptureInput(job=job, reel=reel))
        if reel:
            await self.give(job, REEL_FILE)
        return job

    async def give(self, job: JobRef, file: str) -> None:
        async with self.resources.database.transaction(job.org_id) as session:
            await jobs.record_files(session, job, {file: ArtifactRef(key=f"org/{job.org_id}/{file}", sha256="0" * 64, size=1)})

    async def confirm(self, intent_id: str) -> None:
        await self.sdk.v1.payment_intents.confirm_async(intent_id, {"payment_method": "pm_card_visa"})

    async def end(self, job: JobRef, status: JobStatus) -> None:
        async with self.resources.database.transaction(job.org_id) as session:
            await jobs.record_event(session, EventInput(job=job, seq=9, kind="status", status=status))

    async def payment(self, job: JobRef) -> Payment:
        async with self.resources.database.transaction(job.org_id) as session:
            return await payments.of_job(session, job)

    async def intent(self, job: JobRef) -> dict[str, Any]:
        return await self.found((await self.payment(job)).intent_id)

    async def found(self, intent_id: str) -> dict[str, Any]:
        return (await self.sdk.v1.payment_intents.retrieve_async(intent_id, {"expand": ["latest_charge"]})).to_dict()

    async def another(self, job: JobRef, **metadata: str) -> str:
        """An intent that somebody else made in the job's name."""
        named = {"job": job.job_id, "organisation": job.org_id, "mode": "test", **metadata}
        made = await self.sdk.v1.payment_intents.create_async(
            {"amount": PRICE.total, "currency": "usd", "capture_method": "manual", "metadata": named}
        )
        return made.id

    async def reconcile(self, *others: str) -> dict[str, int]:
        """As the workflow does, for today, and this organisation and `others` alone."""
        found = await read_day(self.task, today())
        mine = [intent for intent in found.intents if intent.metadata["organisation"] in (self.org_id, *others)]
        differences = await reconciling.compare_payments(self.task, found.model_copy(update={"intents": mine}))
        for job in differences.release:
            await release_payment(self.task, job)
        for stray in differences.strays:
            await reconciling.cancel_stray(self.task, stray)
        return differences.counts

    async def findings(self) -> list[str]:
        async with self.resources.database.transaction(self.org_id) as session:
            return [finding.kind for finding in (await reconciliation.findings(session, None, 50)).items]


@pytest.fixture
async def till(
    settings: Settings, card_server: CardServer, sdk: stripe.StripeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Till]:
    """An hour from now, so that nothing is still on its way."""
    monkeypatch.setattr(reconciling, "SETTLES_WITHIN", -timedelta(hours=1))
    async with open_resources(settings.model_copy(update=card_settings(card_server))) as resources:
        task = Task(resources, "test", JobRef(org_id="", job_id=""), "", "test", 1, tmp_path)
        org_id, asset_id = new_id("org"), new_id("ast")
        async with resources.all_organisations.transaction(None) as session:
            await identity.create_organisation(session, "test", org_id)
        async with resources.database.transaction(org_id) as session:
            session.add(Asset(id=asset_id, org_id=org_id, kind="video", status="ready", filename="talk.mp4", size=1))
        yield Till(resources, task, sdk, org_id, asset_id)


async def test_where_all_is_as_it_should_be_nothing_is_found(till: Till) -> None:
    await till.job()
    await till.held()
    await till.end(await till.captured(), JobStatus.SUCCEEDED)
    await till.end(await till.captured(reel=False), JobStatus.SUCCEEDED)
    given_back = [await till.held(), await till.captured(), await till.captured(reel=False)]
    for job in given_back:
        await release_payment(till.task, job)
        await till.end(job, JobStatus.FAILED)
    assert await till.reconcile() == {}
    assert await till.findings() == []


async def test_what_changed_a_moment_ago_is_left_to_the_next_run(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    await till.end(await till.held(), JobStatus.FAILED)
    monkeypatch.setattr(reconciling, "SETTLES_WITHIN", timedelta(minutes=15))
    assert await till.reconcile() == {}


async def test_a_payment_that_went_missing_is_put_on_record_again(till: Till, database_urls: DatabaseUrls) -> None:
    job = await till.captured()
    await till.end(job, JobStatus.SUCCEEDED)
    with psycopg.connect(database_urls.system, autocommit=True) as connection:
        connection.execute("delete from payments where job_id = %s", [job.job_id])
    assert await till.reconcile() == {"payment_missing": 1}
    payment = await till.payment(job)
    assert (payment.status, payment.captured, payment.amount) == ("captured", PRICE.total, PRICE.total)
    assert await till.reconcile() == {}


async def test_a_second_charge_for_a_job_is_named_and_left_to_people(till: Till) -> None:
    job = await till.captured()
    await till.end(job, JobStatus.SUCCEEDED)
    second = await till.another(job)
    await till.confirm(second)
    await till.sdk.v1.payment_intents.capture_async(second)
    assert await till.reconcile() == {"captured_twice": 1}
    assert (await till.found(second))["latest_charge"]["amount_refunded"] == 0
    assert await till.findings() == ["captured_twice"]
    assert await till.reconcile() == {}  # told once a day


async def test_a_card_held_for_no_job_is_given_back(till: Till) -> None:
    nobody = await till.another(JobRef(org_id=till.org_id, job_id=new_id("sum")))
    await till.confirm(nobody)
    assert await till.reconcile() == {"held_not_released": 1}
    assert (await till.found(nobody))["status"] == "canceled"
    assert await till.reconcile() == {}


async def test_a_card_still_held_for_a_job_that_ended_is_given_back(till: Till) -> None:
    job = await till.held()
    await till.end(job, JobStatus.FAILED)
    assert await till.reconcile() == {"held_not_released": 1}
    assert (await till.intent(job))["status"] == "canceled"
    assert (await till.payment(job)).status == "canceled"
    assert await till.reconcile() == {}


async def test_what_was_captured_for_a_job_that_gave_nothing_is_refunded(till: Till) -> None:
    job = await till.captured()
    await till.end(job, JobStatus.CANCELED)
    assert await till.reconcile() == {"captured_not_delivered": 1}
    assert (await till.intent(job))["latest_charge"]["amount_refunded"] == PRICE.total
    assert await till.reconcile() == {}


async def test_without_a_reel_the_rest_is_captured_and_the_reel_given_back(till: Till) -> None:
    payment = await till.payment(await till.captured(reel=False))
    assert (payment.status, payment.captured, payment.amount) == ("captured", WITHOUT_REEL, PRICE.total)


async def test_what_was_captured_without_a_reel_is_refunded_too_beside_what_stripe_gave_back_itself(till: Till) -> None:
    job = await till.captured(reel=False)
    assert (await till.intent(job))["latest_charge"]["amount_refunded"] == PRICE.total - WITHOUT_REEL
    await till.end(job, JobStatus.CANCELED)
    assert await till.reconcile() == {"captured_not_delivered": 1}
    assert (await till.intent(job))["latest_charge"]["amount_refunded"] == PRICE.total
    assert await till.reconcile() == {}


@pytest.mark.parametrize("reel", [True, False])
async def test_a_reel_that_was_not_made_and_charged_or_made_and_not_charged_is_named(till: Till, reel: bool) -> None:
    job = await till.held()
    await capture_payment(till.task, CaptureInput(job=job, reel=reel))
    await till.give(job, "summary" if reel else REEL_FILE)
    await till.end(job, JobStatus.SUCCEEDED)
    assert await till.reconcile() == {"captured_elsewhere": 1}


async def test_less_captured_outside_than_the_job_pays_is_named(till: Till) -> None:
    job = await till.held()
    await till.sdk.v1.payment_intents.capture_async((await till.payment(job)).intent_id, {"amount_to_capture": PRICE.total - 1})
    await till.end(job, JobStatus.SUCCEEDED)
    assert await till.reconcile() == {"captured_elsewhere": 1}
    assert (await till.intent(job))["latest_charge"]["amount_refunded"] == 1  # what was not captured


async def test_a_capture_outside_that_nobody_noted_is_noted(till: Till) -> None:
    job = await till.held()
    await till.sdk.v1.payment_intents.capture_async((await till.payment(job)).intent_id)
    assert await till.reconcile() == {"payment_status_differs": 1}
    assert (await till.payment(job)).status == "captured"
    assert await till.reconcile() == {}


async def test_a_refund_outside_of_a_job_that_was_handed_over_is_named(till: Till) -> None:
    job = await till.captured()
    await till.end(job, JobStatus.SUCCEEDED)
    await till.sdk.v1.refunds.create_async({"payment_intent": (await till.payment(job)).intent_id, "amount": 3})
    assert await till.reconcile() == {"refunded_elsewhere": 1}


async def test_a_job_handed_over_and_never_captured_is_named(till: Till) -> None:
    await till.end(await till.held(), JobStatus.SUCCEEDED)
    assert await till.reconcile() == {"delivered_not_captured": 1}


async def test_an_intent_that_stripe_knows_nothing_of_is_named(till: Till) -> None:
    job = await till.job()
    await open_payment(till.task, job)
    async with till.resources.database.transaction(job.org_id) as session:
        (await payments.of_job(session, job)).intent_id = "pi_gone"
    assert (await till.reconcile())["intent_missing"] == 1
    assert "intent_missing" in await till.findings()


async def test_our_payments_are_listed_page_by_page(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciling, "LISTED_AT_ONCE", 2)
    opened = [await till.held() for _ in range(3)]
    page = today()
    ids: list[str] = []
    while page.after or not ids:
        listed = await reconciling.list_payments(till.task, page)
        assert len(listed.ids) <= 2
        ids += listed.ids
        page = page.model_copy(update={"after": listed.next})
    assert {(await till.payment(job)).intent_id for job in opened} <= set(ids)
    assert len(ids) == len(set(ids))


async def test_the_payments_of_another_installation_are_left_alone(till: Till) -> None:
    stranger = JobRef(org_id=new_id("org"), job_id=new_id("sum"))
    theirs = await till.another(stranger)
    await till.confirm(theirs)
    assert await till.reconcile(stranger.org_id) == {}
    assert (await till.found(theirs))["status"] == "requires_capture"
