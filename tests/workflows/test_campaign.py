"""What a campaign does, step by step, and how each way out of it ends."""

import asyncio
import contextlib
from datetime import timedelta

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.worker import Replayer

import workflows.job
from cutroom.contracts.base import StepInput
from cutroom.contracts.campaign import RecordClipsInput
from cutroom.contracts.jobs import EventInput
from tests.workflows.conftest import REF, Theatre, plan_of, until
from workflows.campaign import Campaign

pytestmark = pytest.mark.usefixtures("one_attempt")


async def test_credits_are_held_before_any_work_and_settled_before_the_end_is_told(theatre: Theatre) -> None:
    campaign = await theatre.start()
    await campaign.result()
    assert theatre.steps[0] == "hold_credits"
    assert theatre.steps[-1] == "settle_credits"
    assert theatre.steps.count("settle_credits") == 1
    assert theatre.statuses == ["processing", "succeeded"]
    assert sorted(event.seq for event in theatre.events) == list(range(1, len(theatre.events) + 1))


async def test_every_chunk_and_every_clip_is_done_once(theatre: Theatre) -> None:
    await (await theatre.start()).result()
    assert sorted(part for step, part in theatre.calls if step == "transcribe_chunk") == ["0", "1"]
    assert sorted(part for step, part in theatre.calls if step == "detect_shots_chunk") == ["0", "3000", "6000"]
    for step in ("reframe_clip", "render_clip", "package_clip"):
        assert theatre.steps.count(step) == 2


@pytest.mark.parametrize("step", ["prepare_media", "transcribe_chunk", "detect_shots_chunk", "render_clip"])
@pytest.mark.parametrize("by_signal", [True, False])
async def test_a_cancel_stops_the_running_step_and_gives_the_hold_back(theatre: Theatre, step: str, by_signal: bool) -> None:
    begun, _ = theatre.hold(step)
    campaign = await theatre.start()
    await asyncio.wait_for(begun.wait(), 15)
    await (campaign.signal("cancel") if by_signal else campaign.cancel())
    if by_signal:
        await campaign.result()
    else:
        with pytest.raises(WorkflowFailureError) as caught:
            await campaign.result()
        assert isinstance(caught.value.cause, CancelledError)
    assert theatre.statuses[-1] == "canceled"
    assert theatre.steps[-1] == "settle_credits"


async def test_a_cancel_before_the_first_step_still_ends_canceled(theatre: Theatre) -> None:
    campaign = await theatre.start()
    await campaign.signal("cancel")
    await campaign.result()
    assert theatre.statuses[-1] == "canceled"
    assert "render_clip" not in theatre.steps
    assert theatre.steps[-1] == "settle_credits"


@pytest.mark.parametrize("by_signal", [True, False])
async def test_a_cancel_that_comes_with_the_start_gives_the_hold_back(theatre: Theatre, by_signal: bool) -> None:
    campaign = await theatre.start(start_signal="cancel" if by_signal else None)
    if not by_signal:
        await campaign.cancel()
    with contextlib.suppress(WorkflowFailureError):
        await campaign.result()
    assert theatre.statuses[-1] == "canceled"
    assert theatre.steps[-1] == "settle_credits"


async def test_a_cancel_while_a_state_is_being_told_still_ends_the_job(theatre: Theatre) -> None:
    begun, _ = theatre.hold("prepare_media")
    telling, told = asyncio.Event(), asyncio.Event()

    async def slowly(event: StepInput) -> None:
        if isinstance(event, EventInput) and event.status == "pausing":
            telling.set()
            await told.wait()

    theatre.acts["record_event"] = slowly
    campaign = await theatre.start()
    await asyncio.wait_for(begun.wait(), 15)
    await campaign.signal("pause")
    await asyncio.wait_for(telling.wait(), 15)
    await campaign.signal("cancel")
    async with asyncio.timeout(30):
        for progress in iter(lambda: campaign.query("progress"), None):
            if not (await progress)["stages"]:
                break
    told.set()
    await asyncio.wait_for(campaign.result(), 15)
    assert theatre.statuses[-1] == "canceled"


async def test_what_happens_at_once_is_told_in_the_order_of_its_numbers(theatre: Theatre) -> None:
    async def hear_late(event: StepInput) -> None:
        if isinstance(event, EventInput) and event.step == "transcribe":
            await asyncio.sleep(0.5)

    theatre.acts["record_event"] = hear_late
    await (await theatre.start()).result()
    assert [event.seq for event in theatre.events] == list(range(1, len(theatre.events) + 1))


async def test_bad_input_fails_the_job_with_its_code_and_gives_the_hold_back(theatre: Theatre) -> None:
    theatre.fail("plan_speech", "captions_language_mismatch", final=True)
    campaign = await theatre.start()
    with pytest.raises(WorkflowFailureError) as caught:
        await campaign.result()
    assert isinstance(caught.value.cause, ApplicationError)
    assert caught.value.cause.type == "captions_language_mismatch"
    assert theatre.statuses[-1] == "failed"
    assert theatre.last.error_code == "captions_language_mismatch"
    assert theatre.steps[-1] == "settle_credits"


async def test_a_step_out_of_retries_waits_for_help_and_goes_on_from_there(theatre: Theatre) -> None:
    theatre.fail("select_clips", "store_unavailable", final=False, times=1)
    campaign = await theatre.start()
    await until(lambda: "attention" in theatre.statuses)
    asked = next(event for event in theatre.events if event.kind == "attention")
    assert (asked.step, asked.error_code, asked.data["who"]) == ("select_clips", "store_unavailable", "operator")
    await campaign.signal("resume")
    await campaign.result()
    assert theatre.statuses[-1] == "succeeded"
    assert theatre.steps.count("prepare_media") == 1


async def test_a_job_that_nobody_helps_expires_and_gives_the_hold_back(theatre: Theatre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflows.job, "ATTENTION_LIMIT", timedelta(seconds=0.5))
    theatre.fail("select_clips", "store_unavailable", final=False)
    campaign = await theatre.start()
    with pytest.raises(WorkflowFailureError):
        await campaign.result()
    assert theatre.statuses[-1] == "expired"
    assert theatre.steps[-1] == "settle_credits"


async def test_while_paused_the_running_step_ends_and_no_new_one_starts(theatre: Theatre) -> None:
    begun, end = theatre.hold("prepare_media")
    campaign = await theatre.start()
    await asyncio.wait_for(begun.wait(), 15)
    await campaign.signal("pause")
    await until(lambda: theatre.statuses[-1] == "pausing")
    end.set()
    await until(lambda: theatre.statuses[-1] == "paused")
    assert theatre.steps[-1] == "prepare_media"
    await campaign.signal("resume")
    await campaign.result()
    assert theatre.statuses[-3:] == ["paused", "processing", "succeeded"]


async def test_a_pause_holds_the_clips_too(theatre: Theatre) -> None:
    begun, end = theatre.hold("reframe_clip")
    campaign = await theatre.start()
    await asyncio.wait_for(begun.wait(), 15)
    await campaign.signal("pause")
    await until(lambda: theatre.statuses[-1] == "pausing")
    end.set()
    await until(lambda: theatre.statuses[-1] == "paused")
    assert "render_clip" not in theatre.steps
    await campaign.signal("resume")
    await campaign.result()
    assert theatre.steps.count("render_clip") == 2
    assert theatre.statuses[-1] == "succeeded"


async def test_a_paused_job_can_be_canceled(theatre: Theatre) -> None:
    begun, end = theatre.hold("reframe_clip")
    campaign = await theatre.start()
    await asyncio.wait_for(begun.wait(), 15)
    await campaign.signal("pause")
    end.set()
    await until(lambda: theatre.statuses[-1] == "paused")
    await campaign.signal("cancel")
    await campaign.result()
    assert theatre.statuses[-1] == "canceled"


async def test_a_clip_that_fails_is_left_out_and_the_campaign_goes_on(theatre: Theatre) -> None:
    async def first_fails(input: StepInput) -> None:
        if input.part.startswith("clp_1"):
            raise ApplicationError("no", type="bad_input", non_retryable=True)

    theatre.acts["render_clip"] = first_fails
    await (await theatre.start()).result()
    assert theatre.statuses[-1] == "succeeded"
    assert theatre.steps.count("package_clip") == 1
    assert theatre.steps.count("finish_clip") == 2


async def test_where_no_clip_is_ready_somebody_is_asked_and_all_are_tried_again(theatre: Theatre) -> None:
    theatre.fail("render_clip", "tool_failed", final=False, times=2)
    campaign = await theatre.start()
    await until(lambda: "attention" in theatre.statuses)
    await campaign.signal("resume")
    await campaign.result()
    assert theatre.steps.count("package_clip") == 2
    assert theatre.statuses[-1] == "succeeded"


async def test_a_missing_artifact_is_made_again(theatre: Theatre) -> None:
    theatre.fail("select_clips", "artifact_missing", final=True, times=1)
    await (await theatre.start()).result()
    assert theatre.steps.count("prepare_media") == 2
    assert theatre.statuses[-1] == "succeeded"


async def test_an_artifact_that_a_clip_misses_is_made_again(theatre: Theatre) -> None:
    theatre.fail("render_clip", "artifact_missing", final=True, times=1)
    await (await theatre.start()).result()
    assert theatre.steps.count("prepare_media") == 2
    assert theatre.statuses[-1] == "succeeded"


async def test_without_a_language_model_in_the_plan_nobody_is_asked_to_rank(theatre: Theatre) -> None:
    await (await theatre.start()).result()
    assert "rerank_clips" not in theatre.steps
    assert theatre.steps.index("record_clips") == theatre.steps.index("select_clips") + 1


async def test_with_a_language_model_in_the_plan_its_ranking_is_what_becomes_clips(theatre: Theatre) -> None:
    ranked = REF.model_copy(update={"key": "org/o/ranked"})
    theatre.answers["choose_engines"] = plan_of(theatre.job).model_copy(update={"ranker": "some-model"})
    theatre.answers["rerank_clips"] = ranked
    recorded: list[StepInput] = []

    async def keep(input: StepInput) -> None:
        recorded.append(input)

    theatre.acts["record_clips"] = keep
    await (await theatre.start()).result()
    first = theatre.steps.index("select_clips")
    assert theatre.steps[first : first + 3] == ["select_clips", "rerank_clips", "record_clips"]
    assert recorded == [RecordClipsInput(job=theatre.job, selection=ranked)]
    assert theatre.statuses[-1] == "succeeded"


async def test_a_cancel_while_the_language_model_is_asked_stops_the_campaign(theatre: Theatre) -> None:
    theatre.answers["choose_engines"] = plan_of(theatre.job).model_copy(update={"ranker": "some-model"})
    begun, _ = theatre.hold("rerank_clips")
    campaign = await theatre.start()
    await asyncio.wait_for(begun.wait(), 15)
    await campaign.signal("cancel")
    await campaign.result()
    assert theatre.statuses[-1] == "canceled"
    assert "record_clips" not in theatre.steps


@pytest.mark.parametrize("ranker", ["", "some-model"])
async def test_a_campaign_with_and_without_a_language_model_replays(theatre: Theatre, ranker: str) -> None:
    theatre.answers["choose_engines"] = plan_of(theatre.job).model_copy(update={"ranker": ranker})
    campaign = await theatre.start()
    await campaign.result()
    history = await campaign.fetch_history()
    replayer = Replayer(workflows=[Campaign], data_converter=pydantic_data_converter, interceptors=[TracingInterceptor()])
    await replayer.replay_workflow(history)
