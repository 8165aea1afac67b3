"""Kill -9 of the whole stack and of each part: every campaign ends right all the same, paid once, its work done once."""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from cutroom.client import Asset, Client
from tests.soak.rig import CAMPAIGN_S, WISHES, Rig, until

pytestmark = pytest.mark.soak

AT_ONCE = 3  # activities that run at the same time: two of `cpu-media`, one of `gpu`
PARTS = ("api", "postgres", "temporal", "s3", "control", "outbound", "media", "gpu")
Work = Counter[tuple[str, str, str]]


def is_stored(rig: Rig, step: str, before: set[Path]) -> bool:
    """The bytes are in the store; that they are is not yet, or just about, in the database."""
    return bool(stored(rig, step) - before)


def stored(rig: Rig, step: str) -> set[Path]:
    return set((rig.home.path / "s3" / rig.settings.s3_bucket / "org").glob(f"*/*/*/{step}/*"))


def is_at(client: Client, job_id: str, step: str) -> bool:
    return client.job(job_id).step == step


def moments(rig: Rig, client: Client, job_id: str) -> dict[str, Callable[[], bool]]:
    work, files = rig.made(), stored(rig, "transcribe_chunk")
    return {
        "transcribing": lambda: rig.is_making("transcribe_chunk", work),
        "put-not-published": lambda: is_stored(rig, "transcribe_chunk", files),
        "rendering": lambda: rig.is_making("render_clip", work),
        "settling": lambda: is_at(client, job_id, "settle") or client.job(job_id).ended,
    }


def ends_right(rig: Rig, client: Client, job_id: str, before: Work) -> Work:
    """The campaign succeeds, is paid once and leaves nothing; what was made more than once."""
    job = rig.finished(client, job_id)
    assert job.status == "succeeded", job
    assert rig.settles(client, job_id) == 1
    assert rig.open_holds() == []
    until(lambda: not rig.left_behind(), 30)
    repeated = Counter({made: times for made, times in (rig.made() - before).items() if times > 1 and made[0] != "log"})
    assert len(repeated) <= AT_ONCE, repeated
    assert all(times == 2 for times in repeated.values()), repeated
    return repeated


@pytest.mark.parametrize("moment", ["transcribing", "put-not-published", "rendering", "settling"])
def test_a_campaign_ends_right_after_a_kill_of_everything(rig: Rig, client: Client, moment: str) -> None:
    asset = client.upload(rig.fresh_recording()).id
    before = rig.made()
    job_id = client.create_campaign(asset, **WISHES).id
    until(moments(rig, client, job_id)[moment], CAMPAIGN_S, 0.001 if moment == "put-not-published" else 0.05)
    if moment in ("transcribing", "rendering"):
        time.sleep(random.uniform(0, 2))
    rig.kill()
    began, up_s = time.monotonic(), rig.start()
    repeated = ends_right(rig, client, job_id, before)
    took = time.monotonic() - began
    print(f"\nkilled while {moment}: up again in {up_s:.0f} s, ended {took:.0f} s later, repeated {[*repeated]}")


@pytest.mark.parametrize("part", PARTS)
def test_a_campaign_ends_right_after_a_kill_of_one_part(rig: Rig, client: Client, asset: str, part: str) -> None:
    before, pid = rig.made(), rig.pid(part)
    job_id = client.create_campaign(asset, **WISHES).id
    time.sleep(random.uniform(0, 8))
    rig.kill_part(part)
    began = time.monotonic()
    until(lambda: rig.healthy_again(part, pid), 120)
    healthy_s = time.monotonic() - began
    repeated = ends_right(rig, client, job_id, before)
    took = time.monotonic() - began
    print(f"\n{part} killed: healthy in {healthy_s:.1f} s, ended {took:.0f} s later, repeated {[*repeated]}")


@pytest.mark.parametrize("whole", [False] * 5 + [True], ids=[*(f"gateway-{number}" for number in range(5)), "everything"])
def test_an_upload_is_whole_after_a_kill_while_the_store_puts_it_together(rig: Rig, client: Client, whole: bool) -> None:
    assets: list[Asset] = []
    recording = rig.fresh_recording()
    sending = threading.Thread(target=lambda: assets.append(client.upload(recording)))
    folder = rig.home.path / "s3" / rig.settings.s3_bucket / ".sgwtmp" / "multipart"
    leftovers = {name for name, _ in below(folder)}  # of uploads whose clearing up was killed; swept a day later
    sending.start()
    until(lambda: any(files for name, files in below(folder) if name not in leftovers), 60, 0.001)
    until(lambda: all(name.endswith(".inprogress") for name, files in below(folder) if files and name not in leftovers), 60, 0.0005)
    if whole:
        rig.kill()
        rig.start()
    else:
        rig.kill_part("s3")
    sending.join(CAMPAIGN_S)
    assert assets[0].status == "ready"
    assert assets[0].size_bytes == recording.stat().st_size


def below(folder: Path) -> list[tuple[str, list[str]]]:
    """Each folder below with its files; those that vanish meanwhile are left out."""
    return [(name, files) for name, _, files in os.walk(folder)]
