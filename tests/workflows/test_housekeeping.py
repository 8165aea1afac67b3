"""What ingest and reconciliation do when one of their steps cannot."""

import asyncio
import json

import pytest
from temporalio.client import WorkflowFailureError
from typer.testing import CliRunner

import cutroom.cli.reconcile
import workflows.steps
from cutroom.contracts.base import StepInput
from cutroom.contracts.ids import new_id
from cutroom.contracts.ingest import Accepted, IngestInput, Inspected, UploadObject
from cutroom.contracts.reconciliation import Findings
from cutroom.contracts.steps import Queue
from cutroom.settings import Settings
from tests.workflows.conftest import MEDIA, REF, Theatre


@pytest.fixture(autouse=True)
def one_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that fails is out of retries at once."""
    policy = workflows.steps.RetryPolicy
    monkeypatch.setattr(workflows.steps, "RetryPolicy", lambda **settings: policy(**{**settings, "maximum_attempts": 1}))


@pytest.fixture
def upload(theatre: Theatre) -> IngestInput:
    """An upload of a video, whose steps all go well."""
    ids = {"org_id": theatre.job.org_id, "asset_id": new_id("ast")}
    theatre.answers["complete_upload"] = UploadObject(**ids, key="k", size=1, sha256="")
    theatre.answers["inspect_upload"] = Inspected(source=REF, kind="video", content_type="video/mp4", media=MEDIA)
    theatre.answers["accept_asset"] = Accepted(asset_id=ids["asset_id"], duplicate=False)
    return IngestInput(**ids, upload_id=new_id("upl"))


async def ingest(theatre: Theatre, upload: IngestInput) -> None:
    workflow_id = f"ingest/{upload.asset_id}"
    theatre.started.append(workflow_id)
    await theatre.client.execute_workflow("ingest", upload, id=workflow_id, task_queue=Queue.CONTROL)


async def reconcile(theatre: Theatre) -> Findings:
    workflow_id = f"reconciliation/{new_id('req')}"
    theatre.started.append(workflow_id)
    return await theatre.client.execute_workflow("reconciliation", id=workflow_id, task_queue=Queue.CONTROL, result_type=Findings)


async def test_a_good_upload_is_accepted_before_it_is_prepared(theatre: Theatre, upload: IngestInput) -> None:
    await ingest(theatre, upload)
    assert theatre.steps[:3] == ["complete_upload", "inspect_upload", "accept_asset"]
    assert sorted(theatre.steps[3:]) == ["make_poster", "prepare_media"]


async def test_bytes_that_cannot_be_used_are_rejected_with_their_reason(theatre: Theatre, upload: IngestInput) -> None:
    reasons: list[str] = []

    async def hear(input: StepInput) -> None:
        reasons.append(getattr(input, "error_code", ""))

    theatre.acts["reject_asset"] = hear
    theatre.fail("inspect_upload", "playlist_refused", final=True)
    await ingest(theatre, upload)
    assert theatre.steps == ["complete_upload", "inspect_upload", "reject_asset"]
    assert reasons == ["playlist_refused"]


async def test_the_bytes_of_a_duplicate_are_not_prepared_again(theatre: Theatre, upload: IngestInput) -> None:
    theatre.answers["accept_asset"] = Accepted(asset_id="ast_older", duplicate=True)
    await ingest(theatre, upload)
    assert theatre.steps == ["complete_upload", "inspect_upload", "accept_asset"]


async def test_an_asset_stays_ready_where_preparing_it_fails(theatre: Theatre, upload: IngestInput) -> None:
    theatre.fail("prepare_media", "ffmpeg_failed", final=False)
    await ingest(theatre, upload)
    assert "reject_asset" not in theatre.steps


async def test_a_failing_ingest_fails_its_workflow_instead_of_hanging(theatre: Theatre, upload: IngestInput) -> None:
    theatre.fail("accept_asset", "database_unavailable", final=False)
    with pytest.raises(WorkflowFailureError):
        await ingest(theatre, upload)


@pytest.mark.parametrize(
    ("word", "steps"),
    [("jobs", ["reconcile_jobs"]), ("holds", ["reconcile_holds"]), ("deliveries", ["reconcile_deliveries"])],
)
async def test_a_word_on_the_command_line_runs_its_part_alone(
    theatre: Theatre, settings: Settings, monkeypatch: pytest.MonkeyPatch, word: str, steps: list[str]
) -> None:
    monkeypatch.setattr(cutroom.cli.reconcile, "get_settings", lambda: settings)
    theatre.answers[steps[0]] = Findings(counts={"found": 1})
    typed = await asyncio.to_thread(CliRunner().invoke, cutroom.cli.reconcile.app, [word, "--json"])
    assert json.loads(typed.stdout) == {"counts": {"found": 1}}
    assert theatre.steps == steps


async def test_one_step_that_fails_keeps_no_other_from_reconciling(theatre: Theatre) -> None:
    theatre.answers |= {
        name: Findings()
        for name in (
            "reconcile_jobs",
            "sweep_uploads",
            "sweep_store",
            "expire_grants",
            "reconcile_deliveries",
            "expire_files",
            "purge_records",
        )
    }
    theatre.answers["reconcile_jobs"] = Findings(counts={"terminated": 2})
    theatre.fail("reconcile_holds", "database_unavailable", final=False)
    found = await reconcile(theatre)
    assert found.counts == {"terminated": 2, "failed_reconcile_holds": 1}
    assert theatre.steps[-3:] == ["reconcile_deliveries", "expire_files", "purge_records"]
