"""The promise of docs/upgrades.md: what was started on one version ends on the next, which is rolled out meanwhile.

The released version has made the database; its processes go on while this one migrates it.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import av

from cutroom.client import Client, Job
from tests.conftest import DatabaseUrls
from tests.upgrade.fleet import CURRENT, Fleet, Rollout, until

WISHES: dict[str, Any] = {"count": 1, "min_s": 5, "max_s": 9}
OTHER_WISHES = WISHES | {"max_s": 8}  # so that no artifact of theirs has the same fingerprint
IN_FLIGHT = 2  # one step of `cpu-media`, one of `gpu`


def test_campaigns_started_on_one_version_end_on_the_next_which_is_rolled_out_while_they_render(
    fleet: Fleet, client: Client, rollout: Rollout, recording: Path, urls: DatabaseUrls, tmp_path: Path
) -> None:
    assert rollout.before.version != rollout.after.version
    asset = client.upload(recording).id
    rendering = client.create_campaign(asset, **WISHES).id
    CURRENT.migrate(fleet.environment, urls.owner)
    waiting = client.create_campaign(asset, **OTHER_WISHES).id
    client.pause(waiting)
    until(lambda: client.job(waiting).status == "paused")
    until(lambda: fleet.is_making("render_clip"))
    for part in rollout.order:
        fleet.replace(part, rollout.after)
    client.resume(waiting)

    for job in (ended(client, rendering), ended(client, waiting)):
        assert job.status == "succeeded", job
        assert [clip.status for clip in job.clips] == ["ready"]
        assert sorted(entry.phase for entry in client.entries() if entry.operation_id == job.id) == ["hold", "settle"]
        files_are_whole(client, job, tmp_path)
    assert client.balance().held == 0
    repeated = Counter({made: times for made, times in fleet.made().items() if times > 1})
    print(f"\nmade twice: {[*repeated]}")
    assert len(repeated) <= IN_FLIGHT, repeated
    assert all(times == 2 for times in repeated.values()), repeated


def ended(client: Client, job_id: str) -> Job:
    until(lambda: client.job(job_id).ended)
    return client.job(job_id)


def files_are_whole(client: Client, job: Job, folder: Path) -> None:
    files = {file.name: file for file in client.files(job.id)}
    saved = {name: client.download(file, folder) for name, file in files.items()}
    assert {name: path.stat().st_size for name, path in saved.items()} == {name: file.size_bytes for name, file in files.items()}
    for clip in job.clips:
        assert abs(length_s(saved[f"clip-{clip.ordinal:02d}.mp4"]) - (clip.end_s - clip.start_s)) < 0.1


def length_s(video: Path) -> float:
    """Of the pictures that can really be decoded."""
    with av.open(video) as container:
        stream = container.streams.video[0]
        assert stream.average_rate is not None
        return sum(1 for _ in container.decode(stream)) / float(stream.average_rate)
