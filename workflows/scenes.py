"""From prepared frames to the shots of a recording: chunk by chunk at once, joined. Every engine that makes clips uses it."""

from typing import Protocol

from cutroom.contracts.base import ArtifactRef
from cutroom.contracts.campaign import DETECT_SHOTS_CHUNK, JOIN_SHOTS, CampaignPlan, JoinShotsInput, ShotsInput
from cutroom.contracts.media import PreparedMedia
from cutroom.contracts.steps import In, Out, Step
from workflows.job import JobFlow
from workflows.steps import together


class Run(Protocol):
    """`JobFlow.run`, which asks for help, or `JobFlow.execute`, which raises StepError."""

    async def __call__(self, step: Step[In, Out], input: In) -> Out: ...


async def detect_scenes(flow: JobFlow, run: Run, plan: CampaignPlan, prepared: PreparedMedia) -> ArtifactRef:
    """The shots of the recording. Raises as `run`."""
    async with flow.stage("detect_scenes"):
        chunks = shot_chunks(prepared.frame_count)
        parts = await together(
            *(
                run(DETECT_SHOTS_CHUNK, ShotsInput(plan=plan, prepared=prepared, first_frame=first, last_frame=last))
                for first, last in chunks
            )
        )
        return await run(JOIN_SHOTS, JoinShotsInput(plan=plan, prepared=prepared, parts=parts))


def shot_chunks(frame_count: int, size: int = 3000) -> list[tuple[int, int]]:
    """Frame ranges `first:last` (past the end) that tile the video; a crash costs one of them."""
    return [(first, min(first + size, frame_count)) for first in range(0, frame_count, size)]
