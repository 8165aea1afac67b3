"""What becomes of an event, try by try: signed, retried, given up, replayed, and what an endpoint is turned off for."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import col
from standardwebhooks.webhooks import WebhookVerificationError

from activities import deliveries as activity
from activities.base import Resources
from cutroom.contracts.base import ArtifactRef, JobRef
from cutroom.contracts.campaign import FinishClipInput, PackagedClip
from cutroom.contracts.documents import ClipChoice
from cutroom.contracts.ids import new_id
from cutroom.contracts.jobs import EventInput, JobStatus
from cutroom.store import clips, deliveries, identity, jobs, webhooks
from cutroom.store.tables import Asset, Job, Outbox, WebhookEndpoint
from cutroom.webhooks import lanes
from cutroom.webhooks.lanes import Busy, Lanes
from tests.webhooks.conftest import Sender
from tests.webhooks.receiver import Receiver, answers, hangs

MakeSender = Callable[[], Any]


async def job_of(sender: Sender, mode: str = "live") -> JobRef:
    job = JobRef(org_id=sender.org_id, job_id=new_id("cmp"))
    async with sender.resources.database.transaction(sender.org_id) as session:
        asset = Asset(id=new_id("ast"), org_id=sender.org_id, kind="video", status="ready", filename="our secret plans.mp4", size=1)
        session.add(asset)
        await session.flush()
        row = Job(
            id=job.job_id, org_id=job.org_id, kind="campaign", mode=mode, status="queued", asset_id=asset.id, external_id="42"
        )
        await jobs.create(session, row)
    return job


async def record(sender: Sender, job: JobRef, seq: int, kind: str, status: JobStatus, **more: Any) -> None:
    async with sender.resources.database.transaction(sender.org_id) as session:
        await jobs.record_event(session, EventInput(job=job, seq=seq, kind=kind, status=status, **more))


async def started(sender: Sender) -> list[str]:
    """The workflows that were asked for."""
    async with sender.resources.database.transaction(sender.org_id) as session:
        return list(await session.scalars(select(col(Outbox.target)).order_by(col(Outbox.id))))


# --- what is told ---


async def test_the_end_of_a_job_is_told_once_in_the_transaction_that_records_it(sender: Sender, receiver: Receiver) -> None:
    endpoint = await sender.endpoint(f"{receiver.url}/x", "campaign.succeeded", "job.attention")
    job = await job_of(sender)
    await record(sender, job, 1, "status", JobStatus.PROCESSING)
    await record(sender, job, 2, "step_started", JobStatus.PROCESSING, step="score")
    await record(sender, job, 3, "attention", JobStatus.ATTENTION, step="score", error_code="ffmpeg_failed", error_detail="Sad.")
    for _ in range(2):  # a step is tried again where its answer was lost
        await record(sender, job, 4, "status", JobStatus.SUCCEEDED)
    ended, waiting = await sender.deliveries()
    assert await started(sender) == [f"delivery/{one.event_id}/{endpoint.id}" for one in (waiting, ended)]
    for one in (waiting, ended):
        assert (await sender.attempt(one)).over
    first, last = (request.verified_by(sender.secrets[endpoint.id]) for request in receiver.received)
    assert (first["type"], last["type"]) == ("job.attention", "campaign.succeeded")
    assert datetime.fromisoformat(last["timestamp"]).tzinfo is not None
    assert first["data"]["error_code"] == "ffmpeg_failed"
    assert last["data"] == {
        "id": job.job_id,
        "kind": "campaign",
        "mode": "live",
        "status": "succeeded",
        "seq": 4,
        "external_id": "42",
        "error_code": None,
    }


async def test_nothing_is_told_of_what_was_rolled_back(sender: Sender, receiver: Receiver) -> None:
    await sender.endpoint(f"{receiver.url}/x")
    job = await job_of(sender)
    async with sender.resources.database.transaction(sender.org_id) as session:
        await jobs.record_event(session, EventInput(job=job, seq=1, kind="status", status=JobStatus.FAILED))
        await session.rollback()
    assert (await sender.deliveries(), await started(sender)) == ([], [])


async def test_a_clip_is_told_of_once_it_can_be_downloaded(sender: Sender, receiver: Receiver) -> None:
    await sender.endpoint(f"{receiver.url}/x", "clip.ready")
    job = await job_of(sender)
    choice = ClipChoice(
        ordinal=1, start_s=0, end_s=20, first_sentence=0, last_sentence=1, title="t", text="", score=1, score_parts={}, why=""
    )
    file = ArtifactRef(key="x", sha256="0" * 64, size=5)
    packaged = PackagedClip(video=file, subtitles=None, thumbnail=file, framing=file, duration_s=20)
    async with sender.resources.database.transaction(sender.org_id) as session:
        (clip,) = await clips.record_clips(session, job, [choice])
    for _ in range(2):
        async with sender.resources.database.transaction(sender.org_id) as session:
            await clips.finish_clip(session, FinishClipInput(job=job, clip_id=clip.id, packaged=packaged))
    (told,) = await sender.deliveries()
    await sender.attempt(told)
    data = receiver.received[0].json()["data"]
    assert (data["id"], data["job_id"], data["status"]) == (clip.id, job.job_id, "ready")


async def test_only_who_asked_is_told_and_test_is_not_live(sender: Sender, receiver: Receiver, make_sender: MakeSender) -> None:
    stranger = await make_sender()
    await stranger.endpoint(f"{receiver.url}/stranger")
    await sender.endpoint(f"{receiver.url}/other", "clip.ready")
    await sender.endpoint(f"{receiver.url}/test", mode="test")
    off, gone = await sender.endpoint(f"{receiver.url}/off"), await sender.endpoint(f"{receiver.url}/gone")
    async with sender.resources.database.transaction(sender.org_id) as session:
        await webhooks.change(session, off.id, {"enabled": False})
        await webhooks.delete(session, gone.id)
    assert await sender.announce("campaign.failed") == []
    assert len(await sender.announce("campaign.failed", mode="test")) == 1
    wanted = await sender.endpoint(f"{receiver.url}/wanted", "campaign.failed")
    everything = await sender.endpoint(f"{receiver.url}/all", "*")
    told = await sender.announce("campaign.failed")
    assert {one.endpoint_id for one in told} == {wanted.id, everything.id}
    assert len({one.event_id for one in told}) == 1
    assert await stranger.deliveries() == []


# --- tries ---


async def test_what_fails_is_tried_again_when_it_said_and_then_arrives(sender: Sender, receiver: Receiver) -> None:
    endpoint = await sender.endpoint(receiver.at("/x", answers(500), answers(200)))
    (delivery,) = await sender.announce()
    tried = await sender.attempt(delivery, 1, wait_s=5.5)
    assert (tried.over, tried.wait_s) == (False, 5.5)
    waiting = await sender.delivery(delivery)
    assert (waiting.status, waiting.http_status, waiting.error_code, waiting.tries) == ("pending", 500, "receiver_refused", 1)
    assert waiting.next_at is not None
    assert timedelta(seconds=4) < waiting.next_at - datetime.now(UTC) < timedelta(seconds=5.5)
    assert (await sender.again(endpoint)).failing_since is not None
    assert (await sender.attempt(delivery, 2)).over
    ended = await sender.delivery(delivery)
    assert (ended.status, ended.http_status, ended.error_code, ended.next_at) == ("succeeded", 200, "", None)
    assert [(one.number, one.http_status, one.error_code) for one in await sender.attempts(delivery)] == [
        (1, 500, "receiver_refused"),
        (2, 200, ""),
    ]
    assert (await sender.again(endpoint)).failing_since is None
    bodies, ids = {r.body for r in receiver.received}, {r.headers["webhook-id"] for r in receiver.received}
    assert (len(bodies), ids) == (1, {delivery.event_id})


async def test_a_try_that_was_noted_is_not_made_again(sender: Sender, receiver: Receiver) -> None:
    """Its worker was killed after the note, so Temporal asks once more."""
    await sender.endpoint(receiver.at("/x", answers(500)))
    (delivery,) = await sender.announce()
    await sender.attempt(delivery, 1, wait_s=300)
    again = await sender.attempt(delivery, 1, wait_s=300)
    assert len(receiver.received) == 1
    assert 200 < again.wait_s <= 300


async def test_a_receiver_may_ask_for_more_time_but_not_for_ever(sender: Sender, receiver: Receiver) -> None:
    for said, wait_s in (("60", 60), ("1", 5), ("99999999", 24 * 3600)):
        endpoint = await sender.endpoint(receiver.at("/x", answers(429, f"Retry-After: {said}")))
        (delivery,) = await sender.announce()
        assert (await sender.attempt(delivery, 1, wait_s=5)).wait_s == wait_s
        async with sender.resources.database.transaction(sender.org_id) as session:
            await webhooks.delete(session, endpoint.id)


async def test_after_the_last_try_it_is_given_up(sender: Sender, receiver: Receiver) -> None:
    await sender.endpoint(receiver.at("/x", answers(500)))
    (delivery,) = await sender.announce()
    assert (await sender.attempt(delivery, 10, wait_s=None)).over
    assert (await sender.delivery(delivery)).status == "failed"


async def test_who_says_gone_is_turned_off_and_the_others_are_told(sender: Sender, receiver: Receiver) -> None:
    gone = await sender.endpoint(receiver.at("/gone", answers(410)))
    first, second = (*await sender.announce(), *await sender.announce())
    other = await sender.endpoint(f"{receiver.url}/other", "webhook.disabled")
    assert (await sender.attempt(first)).over
    assert (await sender.delivery(first)).error_code == "receiver_gone"
    assert ((await sender.again(gone)).enabled, (await sender.again(gone)).disabled_reason) == (False, "gone")
    notice = next(one for one in await sender.deliveries() if one.endpoint_id == other.id)
    await sender.attempt(notice)
    assert receiver.received[-1].json()["data"] == {"id": gone.id, "mode": "live", "reason": "gone"}
    assert (await sender.attempt(second)).over
    left = await sender.delivery(second)
    assert (left.status, left.error_code) == ("canceled", "webhook_endpoint_disabled")
    assert receiver.paths().count("/gone") == 1


async def test_five_days_without_one_arrival_turn_an_endpoint_off_and_enabling_begins_anew(
    sender: Sender, receiver: Receiver
) -> None:
    endpoint = await sender.endpoint(receiver.at("/x", answers(500)))

    async def fail_since(days: float) -> WebhookEndpoint:
        (delivery,) = await sender.announce()
        async with sender.resources.database.transaction(sender.org_id) as session:
            since = datetime.now(UTC) - timedelta(days=days)
            await session.execute(update(WebhookEndpoint).where(col(WebhookEndpoint.id) == endpoint.id).values(failing_since=since))
        await sender.attempt(delivery)
        return await sender.again(endpoint)

    assert (await fail_since(4.9)).enabled
    off = await fail_since(5.1)
    assert (off.enabled, off.disabled_reason) == (False, "failing")
    async with sender.resources.database.transaction(sender.org_id) as session:
        on = await webhooks.change(session, endpoint.id, {"enabled": True})
    assert (on.enabled, on.disabled_reason, on.failing_since) == (True, "", None)


async def test_what_waits_for_a_deleted_endpoint_is_canceled(sender: Sender, receiver: Receiver) -> None:
    endpoint = await sender.endpoint(f"{receiver.url}/x")
    (delivery,) = await sender.announce()
    async with sender.resources.database.transaction(sender.org_id) as session:
        await webhooks.delete(session, endpoint.id)
    assert (await sender.attempt(delivery)).over
    assert (await sender.delivery(delivery)).error_code == "webhook_endpoint_unknown"
    assert receiver.received == []


async def test_a_host_that_is_allowed_no_more_is_not_reached(sender: Sender, receiver: Receiver) -> None:
    await sender.endpoint("https://localhost:1/x")
    (delivery,) = await sender.announce()
    shut = sender.resources.settings.model_copy(update={"webhook_private_hosts": ""})
    sender.resources = Resources(**{**vars(sender.resources), "settings": shut})
    await sender.attempt(delivery)
    assert (await sender.delivery(delivery)).error_code == "webhook_address_private"


# --- secrets ---


async def test_while_a_secret_is_rotated_both_verify_and_never_three(sender: Sender, receiver: Receiver) -> None:
    endpoint = await sender.endpoint(f"{receiver.url}/x")
    secrets = [sender.secrets[endpoint.id]]
    for valid in (1, 2, 2):
        (delivery,) = await sender.announce()
        await sender.attempt(delivery)
        request = receiver.received[-1]
        for secret in secrets[-valid:]:
            assert request.verified_by(secret)["type"] == "campaign.succeeded"
        for secret in secrets[:-valid]:
            with pytest.raises(WebhookVerificationError):
                request.verified_by(secret)
        assert len(request.headers["webhook-signature"].split()) == valid
        async with sender.resources.database.transaction(sender.org_id) as session:
            secrets.append((await webhooks.rotate(session, endpoint.id))[1])
    assert len(set(secrets)) == 4


async def test_a_rotated_secret_ends_after_a_day(sender: Sender, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = await sender.endpoint(f"{receiver.url}/x")
    monkeypatch.setattr(webhooks, "PREVIOUS_LIVES", timedelta(0))
    async with sender.resources.database.transaction(sender.org_id) as session:
        await webhooks.rotate(session, endpoint.id)
    (delivery,) = await sender.announce()
    await sender.attempt(delivery)
    assert len(receiver.received[0].headers["webhook-signature"].split()) == 1
    with pytest.raises(WebhookVerificationError):
        receiver.received[0].verified_by(sender.secrets[endpoint.id])


# --- replay ---


async def test_a_replay_is_a_delivery_of_its_own_with_the_same_webhook_id(sender: Sender, receiver: Receiver) -> None:
    endpoint = await sender.endpoint(receiver.at("/x", answers(500), answers(200)))
    (delivery,) = await sender.announce(number=1)
    await sender.attempt(delivery, 10, wait_s=None)
    async with sender.resources.database.transaction(sender.org_id) as session:
        replayed, row = await deliveries.replay(session, delivery.id)
    assert row.target == f"delivery/{delivery.event_id}/{endpoint.id}/1"
    assert (await sender.attempt(replayed)).over
    assert [(await sender.delivery(one)).status for one in (delivery, replayed)] == ["failed", "succeeded"]
    first, second = receiver.received
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)


async def test_replays_at_once_are_as_many_deliveries(sender: Sender, receiver: Receiver) -> None:
    await sender.endpoint(f"{receiver.url}/x")
    (delivery,) = await sender.announce()

    async def replay() -> int:
        async with sender.resources.database.transaction(sender.org_id) as session:
            return (await deliveries.replay(session, delivery.id))[0].replay

    assert sorted(await asyncio.gather(*(replay() for _ in range(5)))) == [1, 2, 3, 4, 5]


# --- lanes ---


async def test_a_lane_has_so_many_places_and_who_waits_is_told_different_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "PATIENCE_S", 0.01)
    busy, waits, both_in, leave = Lanes(), [], asyncio.Semaphore(0), asyncio.Event()

    async def stay(key: str) -> None:
        async with busy.turn(key, 2):
            both_in.release()
            await leave.wait()

    held = [asyncio.create_task(stay("a")) for _ in range(2)]
    for _ in held:
        await both_in.acquire()
    for _ in range(4):
        with pytest.raises(Busy) as caught:
            async with busy.turn("a", 2):
                pass
        waits.append(caught.value.wait_s)
    assert waits == sorted(waits)
    assert len(set(waits)) == 4
    async with busy.turn("b", 2):  # another's lane is free
        leave.set()
    await asyncio.gather(*held)
    async with busy.turn("a", 2):
        pass


async def test_who_waits_a_moment_gets_the_place_that_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "PATIENCE_S", 60.0)
    quick, order = Lanes(), []

    async def one(number: int) -> None:
        async with quick.turn("a", 1):
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(one(number) for number in range(50)))
    assert sorted(order) == list(range(50))


async def test_an_endpoint_that_hangs_holds_few_tries_at_a_time(
    sender: Sender, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "PATIENCE_S", 0.01)
    monkeypatch.setattr(activity, "LANES", Lanes())
    await sender.endpoint(receiver.at("/dead", hangs))
    told = [one for _ in range(12) for one in await sender.announce()]
    tries = [asyncio.create_task(sender.attempt(one)) for one in told]
    done, held = await asyncio.wait(tries, timeout=2)
    assert len(held) == activity.AT_ONCE
    assert not any(task.result().counted or task.result().over for task in done)
    assert receiver.paths() == ["/dead"] * activity.AT_ONCE
    for task in held:
        task.cancel()
    await asyncio.gather(*held, return_exceptions=True)


# --- what is kept out of sight ---


async def test_a_secret_is_in_no_listing_no_payload_and_no_error(
    sender: Sender, receiver: Receiver, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    endpoint = await sender.endpoint(receiver.at("/x", answers(500)))
    secret = sender.secrets[endpoint.id]
    (delivery,) = await sender.announce()
    await sender.attempt(delivery)
    async with sender.resources.database.transaction(sender.org_id) as session:
        rows = [row.payload for row in await session.scalars(select(Outbox))]
        again = await webhooks.get(session, endpoint.id)
        (held,) = (await session.scalars(webhooks.secrets_of(again))).all()
    assert held.secret == secret
    seen = f"{again!r} {held!r} {rows!r} {delivery!r} {caplog.text} {''.join(capfd.readouterr())}"
    assert secret not in seen
    with pytest.raises(Exception, match="duplicate key") as caught:
        async with sender.resources.database.transaction(sender.org_id) as session:
            session.add(type(held)(**held.model_dump()))
    assert secret not in str(caught.value)


async def test_members_who_want_no_mail_start_none(sender: Sender) -> None:
    job = await job_of(sender)
    async with sender.resources.all_organisations.transaction(None) as session:
        await identity.add_member(session, sender.org_id, "ada@example.org", "admin")
    await record(sender, job, 1, "status", JobStatus.FAILED)
    assert await started(sender) == []
