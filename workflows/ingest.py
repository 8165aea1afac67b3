"""Ingest: an upload is put together, looked at, and becomes an asset that is ready, or rejected with a reason."""

from temporalio import workflow

from cutroom.contracts.ingest import (
    ACCEPT_ASSET,
    COMPLETE_UPLOAD,
    INSPECT_UPLOAD,
    MAKE_POSTER,
    PREPARE_MEDIA,
    REJECT_ASSET,
    AcceptInput,
    IngestInput,
    Inspected,
    RejectInput,
    SourceInput,
)
from workflows.steps import Expired, Flow, StepError, call, guarded, together


@workflow.defn(name="ingest", failure_exception_types=[StepError, Expired])
class Ingest:
    """`ingest/ast_...`"""

    def __init__(self) -> None:
        self.flow = Flow()

    @workflow.run
    async def run(self, upload: IngestInput) -> None:
        await guarded(self.flow, self._ingest(upload))

    async def _ingest(self, upload: IngestInput) -> None:
        try:
            assembled = await self.flow.execute(COMPLETE_UPLOAD, upload)
            inspected = await self.flow.execute(INSPECT_UPLOAD, assembled)
        except StepError as error:
            rejected = RejectInput(org_id=upload.org_id, asset_id=upload.asset_id, error_code=error.code, error_detail=error.detail)
            await call(REJECT_ASSET, rejected)
            return
        accepted = AcceptInput(org_id=upload.org_id, asset_id=upload.asset_id, inspected=inspected)
        asset = await call(ACCEPT_ASSET, accepted)
        if not asset.duplicate:
            await self._prepare(upload, inspected)

    async def _prepare(self, upload: IngestInput, inspected: Inspected) -> None:
        """What every later job reads; a job that comes before it is done waits for it, or makes it."""
        if inspected.media is None:
            return
        source = SourceInput(
            org_id=upload.org_id, asset_id=upload.asset_id, job_id="", source=inspected.source, media=inspected.media
        )
        try:
            await together(self.flow.execute(MAKE_POSTER, source), self.flow.execute(PREPARE_MEDIA, source))
        except StepError as error:
            workflow.logger.warning("%s failed with %s; the first job will try it again", error.step, error.code)
