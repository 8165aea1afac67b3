"""What a summary does, step by step: no work before the card is authorised, no charge before the summary exists."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.worker import Replayer

import workflows.summary
from cutroom.contracts.base import JobRef, StepInput
from cutroom.contracts.campaign import ClipPlaces
from cutroom.contracts.ids import new_id
from cutroom.contracts.speech import SpeechPlan
from cutroom.contracts.summary import (
    Authorisation,
    CaptureInput,
    RecordSummaryInput,
    Reel,
    SummaryFiles,
    SummaryInput,
    SummaryPlan,
    SummaryWishes,
)
from tests.workflows.conftest import MEDIA, REF, Theatre, places_of, plan_of, until
from workflows.summary import BEFORE_IT_LAPSES, Summary

FILES = SummaryFiles(json_file=REF, markdown=REF, docx=REF, chapters=REF)
WORK = {"resolve_summary", "choose_recogniser", "prepare_sound", "plan_speech", "transcribe_chunk", "join_transcript", "summarise"}


def held(for_: timedelta = timedelta(days=6)) -> Authorisation:
    return Authorisation(held=True, capture_before=datetime.now(UTC) + for_)


@pytest.fixture
def stage(theatre: Theatre) -> Theatre:
    """A theatre whose job is a summary, its card authorised at once."""
    theatre.job = JobRef(org_id=theatre.job.org_id, job_id=new_id("sum"))
    plan = SummaryPlan(job=theatre.job, asset_id="ast_1", source=REF, media=MEDIA, captions=None, wishes=SummaryWishes())
    theatre.answers |= {
        "open_payment": held(),
        "look_at_payment": held(),
        "resolve_summary": plan,
        "choose_recogniser": plan,
        "plan_speech": SpeechPlan(chunks=theatre.answers["plan_speech"].chunks),
        "summarise": FILES,
        "write_summary": FILES,
    }
    return theatre


async def start(stage: Theatre) -> Any:
    given = SummaryInput(org_id=stage.job.org_id, job_id=stage.job.job_id)
    stage.started.append(f"summary/{stage.job.job_id}")
    return await stage.client.start_workflow("summary", given, id=f"summary/{stage.job.job_id}", task_queue="control")


def unpaid(stage: Theatre, reason: str = "") -> asyncio.Event:
    """Let the card be authorised only once the event is set."""
    paid = asyncio.Event()

    async def act(_: StepInput) -> Authorisation:
        return held() if paid.is_set() else Authorisation(held=False, reason=reason)

    stage.acts |= {"open_payment": act, "look_at_payment": act}
    return paid


async def test_the_card_is_authorised_before_any_work_and_captured_before_the_summary_is_handed_over(stage: Theatre) -> None:
    await (await start(stage)).result()
    assert stage.steps[0] == "open_payment"
    assert stage.steps[-2:] == ["capture_payment", "record_summary"]
    assert stage.steps.index("summarise") < stage.steps.index("capture_payment")
    assert "release_payment" not in stage.steps
    assert stage.statuses == ["pending", "processing", "succeeded"]


async def test_nothing_is_done_until_the_card_is_authorised(stage: Theatre) -> None:
    paid = unpaid(stage)
    summary = await start(stage)
    await until(lambda: "open_payment" in stage.steps)
    await summary.signal("payment_changed")
    await until(lambda: "look_at_payment" in stage.steps)
    assert not WORK & set(stage.steps)
    assert stage.statuses == ["pending"]
    paid.set()
    await summary.signal("payment_changed")
    await summary.result()
    assert stage.statuses[-1] == "succeeded"


async def test_a_declined_card_leaves_the_job_pending_with_its_reason_and_another_may_be_tried(stage: Theatre) -> None:
    paid = unpaid(stage, "insufficient_funds")
    summary = await start(stage)
    await until(lambda: any(event.kind == "payment" for event in stage.events))
    (told,) = [event for event in stage.events if event.kind == "payment"]
    assert (told.status.value, told.data) == ("pending", {"reason": "insufficient_funds"})
    paid.set()
    await summary.signal("payment_changed")
    await summary.result()
    assert stage.statuses[-1] == "succeeded"


async def test_a_payment_that_nobody_tells_of_is_looked_at_anyway(stage: Theatre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflows.summary, "LOOK_EVERY", timedelta(milliseconds=20))
    paid = unpaid(stage)
    summary = await start(stage)
    await until(lambda: stage.steps.count("look_at_payment") > 1)
    paid.set()
    await summary.result()
    assert stage.statuses[-1] == "succeeded"


async def test_a_payment_that_is_never_authorised_expires_and_its_intent_is_released(
    stage: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflows.summary, "PAID_WITHIN", timedelta(milliseconds=50))
    unpaid(stage)
    with pytest.raises(WorkflowFailureError):
        await (await start(stage)).result()
    assert stage.last.error_code == "payment_expired"
    assert stage.statuses[-1] == "expired"
    assert stage.steps[-1] == "release_payment"
    assert not WORK & set(stage.steps)


async def test_a_pause_does_not_hold_a_card_longer_than_it_may_be_waited_for(
    stage: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflows.summary, "PAID_WITHIN", timedelta(seconds=3))
    monkeypatch.setattr(workflows.summary, "LOOK_EVERY", timedelta(milliseconds=20))
    paid = unpaid(stage)
    summary = await start(stage)
    await summary.signal("pause")
    await until(lambda: "paused" in stage.statuses)
    paid.set()
    with pytest.raises(WorkflowFailureError):
        await asyncio.wait_for(summary.result(), 60)
    assert stage.last.error_code == "payment_expired"
    assert stage.steps[-1] == "release_payment"


@pytest.mark.parametrize("step", ["open_payment", "transcribe_chunk", "summarise"])
async def test_a_cancel_before_the_hand_over_releases_the_card(stage: Theatre, step: str) -> None:
    begun, _ = stage.hold(step)
    summary = await start(stage)
    await asyncio.wait_for(begun.wait(), 15)
    await summary.signal("cancel")
    await summary.result()
    assert stage.statuses[-1] == "canceled"
    assert stage.steps[-1] == "release_payment"
    assert "capture_payment" not in stage.steps


async def test_a_cancel_during_the_capture_comes_too_late(stage: Theatre) -> None:
    begun, end = stage.hold("capture_payment")
    summary = await start(stage)
    await asyncio.wait_for(begun.wait(), 15)
    await summary.signal("cancel")
    end.set()
    await summary.result()
    assert stage.statuses[-1] == "succeeded"
    assert stage.steps[-1] == "record_summary"
    assert "release_payment" not in stage.steps


async def test_a_recording_without_speech_fails_and_is_not_charged(stage: Theatre) -> None:
    stage.fail("summarise", "no_speech", final=True)
    with pytest.raises(WorkflowFailureError) as caught:
        await (await start(stage)).result()
    assert isinstance(caught.value.cause, ApplicationError)
    assert caught.value.cause.type == "no_speech"
    assert stage.steps[-1] == "release_payment"
    assert "capture_payment" not in stage.steps


async def test_a_paused_summary_expires_before_its_authorisation_lapses(stage: Theatre) -> None:
    stage.answers["open_payment"] = held(BEFORE_IT_LAPSES + timedelta(seconds=2))
    begun, end = stage.hold("prepare_sound")
    summary = await start(stage)
    await asyncio.wait_for(begun.wait(), 15)
    await summary.signal("pause")
    end.set()
    with pytest.raises(WorkflowFailureError):
        await summary.result()
    assert stage.last.error_code == "authorisation_lapsed"
    assert stage.steps[-1] == "release_payment"


async def test_with_a_language_model_in_the_plan_it_writes_the_summary(stage: Theatre) -> None:
    plan = stage.answers["choose_recogniser"].model_copy(update={"writer": "some-model"})
    stage.answers["choose_recogniser"] = plan
    await (await start(stage)).result()
    assert "write_summary" in stage.steps
    assert "summarise" not in stage.steps


@pytest.fixture
def reeling(stage: Theatre) -> Theatre:
    """A summary with a reel of two clips."""
    plan = stage.answers["resolve_summary"].model_copy(update={"reel": plan_of(stage.job)})
    stage.answers |= {"resolve_summary": plan, "choose_recogniser": plan, "plan_reel": ClipPlaces(clips=places_of(stage.job))}
    return stage


def handed_over(stage: Theatre) -> tuple[CaptureInput, RecordSummaryInput]:
    """What is captured for, and what is recorded, once the job has ended."""
    (captured,), (recorded,) = (stage.given[step] for step in ("capture_payment", "record_summary"))
    return captured, recorded


async def test_without_a_reel_no_picture_is_looked_at_and_no_clip_made(stage: Theatre) -> None:
    await (await start(stage)).result()
    assert not {"prepare_media", "detect_shots_chunk", "plan_reel", "render_clip", "join_reel"} & set(stage.steps)
    captured, recorded = handed_over(stage)
    assert (captured.reel, recorded.reel) == (False, None)


async def test_a_sound_that_is_missed_is_made_again(stage: Theatre) -> None:
    stage.fail("transcribe_chunk", "artifact_missing", final=True, times=1)
    await (await start(stage)).result()
    assert stage.steps.count("prepare_sound") == 2
    assert stage.statuses[-1] == "succeeded"


async def test_a_reel_is_made_of_clips_after_the_summary_and_before_the_capture(reeling: Theatre) -> None:
    await (await start(reeling)).result()
    order = ["summarise", "plan_reel", "reframe_clip", "render_clip", "package_clip", "join_reel", "capture_payment"]
    assert [reeling.steps.index(step) for step in order] == sorted(reeling.steps.index(step) for step in order)
    assert reeling.steps.count("package_clip") == 2
    captured, recorded = handed_over(reeling)
    assert (captured.reel, recorded.reel) == (True, Reel(video=REF))
    assert reeling.statuses == ["pending", "processing", "succeeded"]


async def test_nothing_of_a_reel_is_done_before_the_card_is_authorised(reeling: Theatre) -> None:
    paid = unpaid(reeling)
    summary = await start(reeling)
    await until(lambda: "open_payment" in reeling.steps)
    await summary.signal("payment_changed")
    await until(lambda: "look_at_payment" in reeling.steps)
    assert set(reeling.steps) == {"open_payment", "look_at_payment"}
    paid.set()
    await summary.signal("payment_changed")
    await summary.result()
    assert "join_reel" in reeling.steps


async def test_without_highlights_the_summary_is_handed_over_and_no_reel_charged(reeling: Theatre) -> None:
    reeling.answers["plan_reel"] = ClipPlaces(clips=[])
    await (await start(reeling)).result()
    assert "render_clip" not in reeling.steps
    captured, recorded = handed_over(reeling)
    assert (captured.reel, recorded.reel) == (False, Reel(error_code="no_highlights"))
    assert reeling.statuses[-1] == "succeeded"


@pytest.mark.parametrize("step", ["detect_shots_chunk", "join_shots", "plan_reel", "render_clip", "join_reel"])
@pytest.mark.parametrize("final", [True, False])
async def test_where_a_step_of_the_reel_fails_the_summary_is_handed_over_and_no_reel_charged(
    reeling: Theatre, one_attempt: None, step: str, final: bool
) -> None:
    reeling.fail(step, "tool_failed", final=final)
    await (await start(reeling)).result()
    captured, recorded = handed_over(reeling)
    assert (captured.reel, recorded.reel) == (False, Reel(error_code="tool_failed"))
    assert reeling.statuses == ["pending", "processing", "succeeded"]


async def test_an_artifact_that_a_clip_of_the_reel_misses_is_made_again(reeling: Theatre) -> None:
    reeling.fail("render_clip", "artifact_missing", final=True, times=1)
    await (await start(reeling)).result()
    assert reeling.steps.count("prepare_media") == 2
    assert handed_over(reeling)[0].reel


@pytest.mark.parametrize("step", ["detect_shots_chunk", "render_clip", "join_reel"])
async def test_a_cancel_during_the_reel_stops_its_clips_and_releases_the_card(reeling: Theatre, step: str) -> None:
    begun, _ = reeling.hold(step)
    summary = await start(reeling)
    await asyncio.wait_for(begun.wait(), 15)
    await summary.signal("cancel")
    await summary.result()
    assert reeling.statuses[-1] == "canceled"
    assert reeling.steps[-1] == "release_payment"
    assert "capture_payment" not in reeling.steps
    clips = [reeling.client.get_workflow_handle(f"clip/{place.clip_id}") for place in reeling.answers["plan_reel"].clips]
    if step == "render_clip":
        ended = [(await clip.describe()).status for clip in clips]
        assert ended == [WorkflowExecutionStatus.CANCELED] * 2


async def test_a_pause_holds_the_clips_of_the_reel_too(reeling: Theatre) -> None:
    begun, end = reeling.hold("reframe_clip")
    summary = await start(reeling)
    await asyncio.wait_for(begun.wait(), 15)
    await summary.signal("pause")
    await until(lambda: reeling.statuses[-1] == "pausing")
    end.set()
    await until(lambda: reeling.statuses[-1] == "paused")
    assert "render_clip" not in reeling.steps
    await summary.signal("resume")
    await summary.result()
    assert reeling.statuses[-1] == "succeeded"


@pytest.mark.parametrize("step", ["detect_shots_chunk", "render_clip"])
async def test_a_reel_that_is_too_slow_for_the_authorisation_keeps_nobody_from_the_summary(reeling: Theatre, step: str) -> None:
    reeling.answers["open_payment"] = held(BEFORE_IT_LAPSES + timedelta(seconds=8))
    reeling.hold(step)
    await (await start(reeling)).result()
    captured, recorded = handed_over(reeling)
    assert (captured.reel, recorded.reel) == (False, Reel(error_code="step_timed_out"))
    assert reeling.statuses == ["pending", "processing", "succeeded"]


async def test_a_summary_with_a_reel_replays(reeling: Theatre) -> None:
    summary = await start(reeling)
    await summary.result()
    replayer = Replayer(workflows=[Summary], data_converter=pydantic_data_converter, interceptors=[TracingInterceptor()])
    await replayer.replay_workflow(await summary.fetch_history())
