"""The steps that look at pictures, with a real database and object store, on a recording of two shots with a face each."""

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from activities.base import Resources, attempt
from activities.media import prepare_media
from activities.resources import open_resources
from activities.shots import join_shots
from activities.vision import detect_shots_chunk, reframe_clip
from cutroom.contracts.base import ArtifactRef, JobRef
from cutroom.contracts.campaign import (
    DETECT_SHOTS_CHUNK,
    JOIN_SHOTS,
    REFRAME_CLIP,
    CampaignPlan,
    ClipInput,
    ClipPlace,
    ClipWishes,
    JoinShotsInput,
    ReframeInput,
    ShotsInput,
)
from cutroom.contracts.documents import Framing, Shots, Transcript
from cutroom.contracts.ids import new_id
from cutroom.contracts.ingest import PREPARE_MEDIA, SourceInput
from cutroom.contracts.media import MediaFacts, PreparedMedia
from cutroom.media.ffmpeg import locate
from cutroom.settings import Settings
from cutroom.store.files import sha256_of
from cutroom.vision import faces, shots
from tests.store.conftest import Tenant, new_tenant

MEDIA = MediaFacts(container="mp4", duration_s=6.0, width=640, height=360, fps=25.0, video_codec="h264", has_audio=False)
CUT_FRAME = 75
LEFT, RIGHT = 20, 400  # where the photograph begins in either shot
FACE_X, FACE_W = 0.4 * 174, 0.4 * 98


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds with a face on the left, then three with it on the right; a little noise, as a camera has."""
    folder = tmp_path_factory.mktemp("source")
    photo = cv2.resize(astronaut()[:, :, ::-1], None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    for name, left, wall in (("left", LEFT, 70), ("right", RIGHT, 110)):
        picture = np.full((MEDIA.height, MEDIA.width, 3), wall, np.uint8)
        picture[100 : 100 + photo.shape[0], left : left + photo.shape[1]] = photo
        cv2.imwrite(str(folder / f"{name}.png"), picture)
    stills = [
        part for name in ("left", "right") for part in ("-loop", "1", "-t", "3", "-r", "25", "-i", str(folder / f"{name}.png"))
    ]
    graph = "[0][1]concat,noise=alls=6:allf=t,format=yuv420p"
    command = [str(locate()), "-v", "error", *stills, "-filter_complex", graph, "-c:v", "libx264", str(folder / "talk.mp4")]
    subprocess.run(command, check=True, timeout=60)
    return folder / "talk.mp4"


@pytest.fixture
async def resources(settings: Settings) -> AsyncIterator[Resources]:
    async with open_resources(settings) as opened:
        yield opened


@pytest.fixture
async def tenant(resources: Resources) -> Tenant:
    return await new_tenant(resources.all_organisations)


def named(file: Path) -> ArtifactRef:
    return ArtifactRef(key=f"tests/{new_id('evt')}/{file.name}", sha256=sha256_of(file), size=file.stat().st_size)


@pytest.fixture
async def plan(resources: Resources, tenant: Tenant, source: Path) -> CampaignPlan:
    stored = named(source)
    await resources.objects.put_once(stored.key, source, stored.sha256, "video/mp4")
    return CampaignPlan(
        job=JobRef(org_id=tenant.org_id, job_id=tenant.job_id),
        asset_id=tenant.asset_id,
        source=stored,
        media=MEDIA,
        captions=None,
        wishes=ClipWishes(count=1, min_s=1.0, max_s=10.0),
        shots_engine=shots.ENGINE,
        faces_engine=faces.engine_name(resources.settings),
    )


@pytest.fixture
async def prepared(resources: Resources, plan: CampaignPlan) -> PreparedMedia:
    given = SourceInput(
        org_id=plan.job.org_id, asset_id=plan.asset_id, job_id=plan.job.job_id, source=plan.source, media=plan.media
    )
    async with attempt(resources, PREPARE_MEDIA, given, "test/prepare", 1) as task:
        return await prepare_media(task, given)


async def detect(resources: Resources, plan: CampaignPlan, prepared: PreparedMedia, first: int, last: int) -> ArtifactRef:
    asked = ShotsInput(plan=plan, prepared=prepared, first_frame=first, last_frame=last)
    async with attempt(resources, DETECT_SHOTS_CHUNK, asked, f"test/shots/{first}", 1) as task:
        return await detect_shots_chunk(task, asked)


async def joined(resources: Resources, plan: CampaignPlan, prepared: PreparedMedia) -> ArtifactRef:
    parts = [await detect(resources, plan, prepared, first, last) for first, last in ((0, 80), (80, prepared.frame_count))]
    asked = JoinShotsInput(plan=plan, prepared=prepared, parts=parts)
    async with attempt(resources, JOIN_SHOTS, asked, "test/join", 1) as task:
        return await join_shots(task, asked)


@pytest.fixture
async def unsaid(resources: Resources, tmp_path: Path) -> ArtifactRef:
    """The transcript of a recording without sound."""
    file = tmp_path / "transcript.json"
    file.write_text(Transcript(engine="none", language="", duration_s=6.0, words=[], sentences=[]).model_dump_json())
    stored = named(file)
    await resources.objects.put_once(stored.key, file, stored.sha256, "application/json")
    return stored


async def test_shots_of_a_recording_are_found_in_chunks_and_each_clip_is_framed_on_its_face(
    resources: Resources, plan: CampaignPlan, prepared: PreparedMedia, unsaid: ArtifactRef
) -> None:
    found = await joined(resources, plan, prepared)
    told = Shots.model_validate_json((await resources.files.ensure_local(found)).read_bytes())
    assert (told.fps, told.frame_count, told.cuts) == (25.0, 150, [CUT_FRAME])

    place = ClipPlace(clip_id=new_id("clp"), ordinal=1, start_s=1.03, end_s=4.97)
    clip = ClipInput(plan=plan, prepared=prepared, transcript=unsaid, shots=found, place=place)
    async with attempt(resources, REFRAME_CLIP, ReframeInput(clip=clip), "test/reframe", 1) as task:
        framed = await reframe_clip(task, ReframeInput(clip=clip))
    framing = Framing.model_validate_json((await resources.files.ensure_local(framed)).read_bytes())

    assert [(shot.start_s, shot.end_s) for shot in framing.shots] == [(1.03, 3.0), (3.0, 4.97)]
    for shot, left in zip(framing.shots, (LEFT, RIGHT), strict=True):
        [box] = shot.keyframes
        assert box.x <= left + FACE_X
        assert left + FACE_X + FACE_W <= box.x + box.w


async def test_another_campaign_on_the_same_asset_finds_the_scores_made(
    resources: Resources, plan: CampaignPlan, prepared: PreparedMedia, settings: Settings, tmp_path: Path
) -> None:
    first = await detect(resources, plan, prepared, 100, 150)
    another = plan.model_copy(update={"job": JobRef(org_id=plan.job.org_id, job_id=new_id("cmp"))})
    unreadable = prepared.model_copy(update={"frames": prepared.frames.model_copy(update={"key": "tests/gone"})})
    async with open_resources(settings.model_copy(update={"home": tmp_path / "elsewhere"})) as elsewhere:
        assert await detect(elsewhere, another, unreadable, 100, 150) == first
