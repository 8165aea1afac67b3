"""The shots of a recording from the scores of its chunks: needs no model, so it runs beside ffmpeg."""

import asyncio
from pathlib import Path

from activities.base import Task, implements
from cutroom.contracts.base import ArtifactRef
from cutroom.contracts.campaign import JOIN_SHOTS, JoinShotsInput
from cutroom.contracts.documents import ShotScores
from cutroom.contracts.media import PreparedMedia
from cutroom.store.artifacts import Scope
from cutroom.vision import shots


@implements(JOIN_SHOTS)
async def join_shots(task: Task, asked: JoinShotsInput) -> ArtifactRef:
    """`shots.json` of the whole recording."""
    prepared = asked.prepared

    async def make(path: Path) -> None:
        await asyncio.to_thread(_join, [await task.local(part) for part in asked.parts], prepared, path)

    scope = Scope(asked.plan.job.org_id, asset_id=asked.plan.asset_id)
    params = {"engine": asked.plan.shots_engine, "fps": prepared.frame_rate}
    return await task.make_one(scope, shots.VERSION, params, asked.parts, ".json", make)


def _join(parts: list[Path], prepared: PreparedMedia, out: Path) -> None:
    scores = [ShotScores.model_validate_json(part.read_bytes()) for part in parts]
    whole = shots.join_scores(scores, 0, prepared.frame_count)
    out.write_text(shots.find_shots(whole, prepared.frame_rate).model_dump_json())
