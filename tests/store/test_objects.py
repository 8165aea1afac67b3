"""The object store through the real gateway: written once, bound to hashes, and never silent about what is missing."""

import asyncio
import hashlib
import re
import socket
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from cutroom.errors import BadInput, NotFound, SetupError, Unreachable
from cutroom.local.ports import free_port
from cutroom.settings import MIB, Settings
from cutroom.store.objects import CHECK_TIMEOUT_S, ObjectStore, Part
from tests.conftest import S3Server

PART = b"p" * (5 * MIB)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "written.txt"
    path.write_bytes(b"first")
    return path


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


async def send(objects: ObjectStore, http: httpx.AsyncClient, key: str, upload_id: str, number: int, data: bytes) -> int:
    url, headers = await objects.presign_part(key, upload_id, number, len(data), sha256(data))
    return (await http.put(url, content=data, headers=headers)).status_code


async def test_what_was_put_is_fetched_again(objects: ObjectStore, key: str, written: Path, tmp_path: Path) -> None:
    assert await objects.put_once(key, written, sha256(b"first"), "text/plain")
    head = await objects.head(key)
    assert head is not None
    assert (head.size, head.sha256, head.content_type) == (5, sha256(b"first"), "text/plain")
    await objects.fetch(key, tmp_path / "fetched")
    assert (tmp_path / "fetched").read_bytes() == b"first"


@pytest.mark.parametrize("multipart_from", [4, 1024], ids=["in parts", "in one piece"])
async def test_who_puts_second_leaves_the_first_bytes_alone(
    multipart_from: int, store_settings: Settings, key: str, written: Path, tmp_path: Path
) -> None:
    objects = ObjectStore(store_settings, multipart_from=multipart_from)
    other = tmp_path / "other"
    other.write_bytes(b"other bytes")
    assert await objects.put_once(key, written, sha256(b"first"), "text/plain")
    assert not await objects.put_once(key, other, sha256(b"other bytes"), "text/plain")
    head = await objects.head(key)
    assert head is not None
    assert (head.size, head.sha256) == (5, sha256(b"first"))
    assert [upload for upload in await objects.list_multiparts(datetime.now(UTC) + timedelta(1)) if upload.key == key] == []


async def test_bytes_that_are_not_of_the_given_hash_are_refused(objects: ObjectStore, key: str, written: Path) -> None:
    with pytest.raises(Exception, match="BadDigest"):
        await objects.put_once(key, written, sha256(b"something else"), "text/plain")
    assert await objects.head(key) is None


async def test_a_missing_object_is_not_found_and_deleting_it_is_fine(objects: ObjectStore, key: str, tmp_path: Path) -> None:
    assert await objects.head(key) is None
    with pytest.raises(NotFound):
        await objects.fetch(key, tmp_path / "fetched")
    await objects.delete(key)


async def test_a_store_that_is_away_is_unreachable(store_settings: Settings, key: str, tmp_path: Path) -> None:
    away = ObjectStore(store_settings.model_copy(update={"s3_endpoint": f"http://127.0.0.1:{free_port()}"}))
    with pytest.raises(Unreachable) as caught:
        await away.head(key)
    assert caught.value.code == "store_unavailable"
    with pytest.raises(Unreachable):
        await away.fetch(key, tmp_path / "fetched")


async def test_a_missing_bucket_is_the_operators_to_mend(store_settings: Settings, key: str, written: Path) -> None:
    misconfigured = ObjectStore(store_settings.model_copy(update={"s3_bucket": "no-such-bucket"}))
    with pytest.raises(SetupError):
        await misconfigured.put_once(key, written, sha256(b"first"), "text/plain")
    with pytest.raises(SetupError):
        await misconfigured.check()


async def test_a_bucket_that_answers_passes_the_check(objects: ObjectStore) -> None:
    await objects.check()


async def test_a_store_that_takes_the_connection_and_is_silent_fails_the_check_within_seconds(store_settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(Unreachable):
            await ObjectStore(store_settings.model_copy(update={"s3_endpoint": endpoint})).check()
        assert time.monotonic() - began < 2 * CHECK_TIMEOUT_S


async def test_a_missing_bucket_is_made_once(store_settings: Settings) -> None:
    store = ObjectStore(store_settings.model_copy(update={"s3_bucket": f"made-{uuid4().hex}"}))
    assert [await store.make_bucket(), await store.make_bucket()] == [True, False]
    assert await store.head("nothing") is None


async def test_a_bucket_elsewhere_is_asked_for_with_its_region(store_settings: Settings) -> None:
    """S3 refuses it without, and the first region with; the gateway does not care, so what is sent is looked at."""
    sent: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        if head.startswith(b"PUT"):
            sent.append(await reader.readexactly(int(length[1])) if length else b"")
        writer.write(b"HTTP/1.1 %d Told\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % (200 if length else 404))
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for region in ("us-east-1", "eu-central-1"):
            settings = store_settings.model_copy(update={"s3_endpoint": endpoint, "s3_region": region})
            assert await ObjectStore(settings).make_bucket()
    assert sent[0] == b""
    assert b"<LocationConstraint>eu-central-1</LocationConstraint>" in sent[1]


async def test_deleting_a_folder_leaves_its_neighbours(objects: ObjectStore, key: str, written: Path) -> None:
    folder = key.removesuffix("object")
    for name in (f"{folder}a/1", f"{folder}a/b/2", f"{folder}ab"):
        await objects.put_once(name, written, sha256(b"first"), "text/plain")
    assert await objects.delete_prefix(f"{folder}a/") == 2
    assert await objects.head(f"{folder}a/b/2") is None
    assert await objects.head(f"{folder}ab") is not None
    with pytest.raises(ValueError, match="folder"):
        await objects.delete_prefix("/")


async def test_a_download_carries_its_name_and_ends_in_time(
    objects: ObjectStore, http: httpx.AsyncClient, key: str, written: Path, s3_server: S3Server
) -> None:
    await objects.put_once(key, written, sha256(b"first"), "text/plain")
    name = 'Besuch in Köln "2".mp4\r\nX-Evil: 1'
    answer = await http.get(await objects.presign_get(key, 60, name))
    assert answer.content == b"first"
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''Besuch%20in%20K%C3%B6ln%20%222%22.mp4")
    assert "x-evil" not in answer.headers
    assert (await http.get(f"{s3_server.endpoint}/{s3_server.bucket}/{key}")).status_code == 403


async def test_urls_for_clients_are_signed_for_the_host_that_clients_see(
    store_settings: Settings, http: httpx.AsyncClient, key: str, written: Path
) -> None:
    seen = store_settings.s3_endpoint.replace("127.0.0.1", "localhost")
    objects = ObjectStore(store_settings.model_copy(update={"s3_public_endpoint": seen}))
    await objects.put_once(key, written, sha256(b"first"), "text/plain")
    url = await objects.presign_get(key, 60, "talk.mp4")
    assert url.startswith(f"{seen}/")
    assert (await http.get(url)).content == b"first"
    upload_id = await objects.create_multipart(key)
    part_url, _ = await objects.presign_part(key, upload_id, 1, 5, sha256(b"right"))
    assert part_url.startswith(f"{seen}/")


async def test_parts_are_listed_and_become_one_object(objects: ObjectStore, http: httpx.AsyncClient, key: str) -> None:
    upload_id = await objects.create_multipart(key)
    assert await objects.list_parts(key, upload_id) == []
    assert await send(objects, http, key, upload_id, 2, b"end") == 200
    assert await send(objects, http, key, upload_id, 1, PART) == 200
    assert await objects.list_parts(key, upload_id) == [Part(1, len(PART), sha256(PART)), Part(2, 3, sha256(b"end"))]
    assert key in {upload.key for upload in await objects.list_multiparts(datetime.now(UTC) + timedelta(1))}
    assert key not in {upload.key for upload in await objects.list_multiparts(datetime.now(UTC) - timedelta(1))}

    for _ in range(2):
        await objects.complete_multipart(key, upload_id, len(PART) + 3)
    head = await objects.head(key)
    assert head is not None
    assert (head.size, head.sha256) == (len(PART) + 3, "")
    with pytest.raises(NotFound):
        await objects.list_parts(key, upload_id)


async def test_the_store_refuses_other_bytes_than_a_part_was_signed_for(
    objects: ObjectStore, http: httpx.AsyncClient, key: str
) -> None:
    upload_id = await objects.create_multipart(key)
    url, headers = await objects.presign_part(key, upload_id, 1, 5, sha256(b"right"))
    forged = {"x-amz-checksum-sha256": b64encode(hashlib.sha256(b"wrong").digest()).decode()}
    refused = [
        await http.put(url, content=b"wrong", headers=headers),
        await http.put(url, content=b"wrong", headers=forged),
        await http.put(url, content=b"right"),
        await http.put(url, content=b"right and more", headers=headers),
        await http.put(url, content=b"rig", headers=headers),
    ]
    assert [answer.status_code for answer in refused] == [400, 403, 403, 403, 403]
    assert await objects.list_parts(key, upload_id) == []
    assert (await http.put(url, content=b"right", headers=headers)).status_code == 200


async def test_an_upload_with_a_part_missing_is_not_completed(objects: ObjectStore, http: httpx.AsyncClient, key: str) -> None:
    upload_id = await objects.create_multipart(key)
    await send(objects, http, key, upload_id, 1, PART)
    with pytest.raises(BadInput) as caught:
        await objects.complete_multipart(key, upload_id, len(PART) + 3)
    assert caught.value.code == "upload_incomplete"
    assert await objects.head(key) is None


async def test_a_completion_that_the_gateway_lost_is_tried_again(
    objects: ObjectStore, http: httpx.AsyncClient, key: str, servers_folder: Path
) -> None:
    upload_id = await objects.create_multipart(key)
    await send(objects, http, key, upload_id, 1, b"end")
    (parts,) = (servers_folder / "s3").rglob(upload_id)
    lost = parts.rename(parts.with_name(f"{upload_id}.{'0' * 32}-1.inprogress"))  # as a kill in mid-completion leaves it
    with pytest.raises(Unreachable) as caught:
        await objects.complete_multipart(key, upload_id, 3)
    assert caught.value.code == "store_unavailable"
    lost.rename(parts)  # as the next start of the gateway mends it
    await objects.complete_multipart(key, upload_id, 3)
    head = await objects.head(key)
    assert head is not None
    assert head.size == 3


async def test_a_completion_of_which_only_the_clearing_up_was_cut_short_is_done(
    objects: ObjectStore, http: httpx.AsyncClient, key: str, written: Path
) -> None:
    upload_id = await objects.create_multipart(key)
    assert await send(objects, http, key, upload_id, 1, b"fi") == 200  # the gateway removes the parts one by one
    await objects.put_once(key, written, sha256(b"first"), "text/plain")
    await objects.complete_multipart(key, upload_id, len(b"first"))
    head = await objects.head(key)
    assert head is not None
    assert head.size == len(b"first")


async def test_an_aborted_upload_is_gone_and_never_completed(objects: ObjectStore, http: httpx.AsyncClient, key: str) -> None:
    upload_id = await objects.create_multipart(key)
    await send(objects, http, key, upload_id, 1, b"end")
    for _ in range(2):
        await objects.abort_multipart(key, upload_id)
    with pytest.raises(Unreachable):
        await objects.complete_multipart(key, upload_id, 3)
    assert await objects.head(key) is None
