"""The gateway loses a multipart upload when it is killed inside its completion; the next start gives it back."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import pytest
from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from cutroom.local.ports import free_port
from cutroom.local.s3 import S3
from cutroom.local.tools import VERSITYGW, ensure

PART = os.urandom(8 * 1024 * 1024)
PARTS = 16


@pytest.fixture
def gateway(tmp_path: Path) -> S3:
    return S3(ensure(VERSITYGW, Console(stderr=True)), tmp_path / "s3", free_port(), "ACCESS", "secret-of-the-test", "bucket")


def test_a_complete_lost_in_a_kill_works_again_after_the_next_start(gateway: S3) -> None:
    gateway.prepare()
    with started(gateway) as process:
        gateway.finish()
        client = client_of(gateway)
        upload = client.create_multipart_upload(Bucket="bucket", Key="a/video")["UploadId"]
        etags = [
            client.upload_part(Bucket="bucket", Key="a/video", UploadId=upload, PartNumber=number, Body=PART)["ETag"]
            for number in range(1, PARTS + 1)
        ]
        completing = Thread(target=complete_ignoring_loss, args=(gateway, upload, etags))
        completing.start()
        until(lambda: list(gateway.folder.glob("bucket/.sgwtmp/multipart/*/*.inprogress")), pause_s=0)
        process.kill()
        completing.join()
    with started(gateway):
        assert size_of(gateway) is None
        complete(gateway, upload, etags)
        assert size_of(gateway) is None, "the trap is gone: the gateway completes what it had lost, and recovery is not needed"
    gateway.prepare()
    with started(gateway):
        complete(gateway, upload, etags)
        assert size_of(gateway) == PARTS * len(PART)


@contextmanager
def started(gateway: S3) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(gateway.command(), env=gateway.environment()) as process:
        until(gateway.healthy, pause_s=0.02)
        yield process
        process.kill()


def until(condition: Callable[[], Any], pause_s: float) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "waited 30 s in vain"
        time.sleep(pause_s)


def client_of(gateway: S3) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=gateway.endpoint,
        aws_access_key_id=gateway.access_key,
        aws_secret_access_key=gateway.secret_key,
        region_name="us-east-1",
        config=Config(signature_version="s3v4", retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


def complete(gateway: S3, upload: str, etags: list[str]) -> None:
    parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
    client_of(gateway).complete_multipart_upload(Bucket="bucket", Key="a/video", UploadId=upload, MultipartUpload={"Parts": parts})


def complete_ignoring_loss(gateway: S3, upload: str, etags: list[str]) -> None:
    """The gateway is killed meanwhile: its answer is lost."""
    with pytest.raises(BotoCoreError):
        complete(gateway, upload, etags)


def size_of(gateway: S3) -> int | None:
    try:
        return int(client_of(gateway).head_object(Bucket="bucket", Key="a/video")["ContentLength"])
    except ClientError:
        return None
