"""The object store: any S3. An object is written once, and a missing object is never mistaken for a store that is away.

Every method may raise Unreachable (`store_unavailable`: try again) and SetupError (`store_misconfigured`: an operator must
act). Sizes are bytes, hashes SHA-256 in hex, times UTC.
"""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, ParamSpec, TypeVar, cast
from urllib.parse import quote

import boto3
from boto3.exceptions import RetriesExceededError
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as StoreConnectionError

from cutroom.errors import BadInput, NotFound, SetupError, Unreachable
from cutroom.settings import GIB, MIB, Settings
from cutroom.telemetry.calls import measured
from cutroom.telemetry.tracing import within

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.literals import BucketLocationConstraintType
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, ObjectIdentifierTypeDef, PartTypeDef

P = ParamSpec("P")
T = TypeVar("T")

OWN_PART_BYTES = 64 * MIB
CHECK_TIMEOUT_S = 4  # who asks for health asks again soon, and each question that hangs keeps a thread
NAMELESS_REGION = "us-east-1"  # S3 wants to be told where a bucket goes, except here, where it refuses to be
TAKEN = (409, 412)  # what If-None-Match: * answers where the key has an object, or gets one at this moment


@dataclass(frozen=True)
class ObjectHead:
    """`sha256` is empty for objects that `put_once` did not put (uploads by clients)."""

    size: int
    sha256: str
    content_type: str


@dataclass(frozen=True)
class Listed:
    key: str
    size: int
    changed_at: datetime


@dataclass(frozen=True)
class Part:
    number: int
    size: int
    sha256: str


@dataclass(frozen=True)
class OpenUpload:
    key: str
    upload_id: str
    started_at: datetime


class ObjectStore:
    """One bucket. Safe to share between tasks; what waits for the store runs in a thread."""

    def __init__(self, settings: Settings, *, multipart_from: int = 4 * GIB) -> None:
        """Own files of `multipart_from` bytes and more are sent in parts, since one PUT ends at 5 GiB."""
        self._bucket = settings.s3_bucket
        self._region = settings.s3_region
        self._multipart_from = multipart_from
        endpoint = settings.s3_endpoint or f"http://127.0.0.1:{settings.s3_port}"
        self._client = _client(settings, endpoint)
        self._signer = _client(settings, settings.s3_public_endpoint or endpoint)
        self._prober = _client(settings, endpoint, read_timeout_s=CHECK_TIMEOUT_S, attempts=1)

    async def make_bucket(self) -> bool:
        """Make the bucket where it is missing. True: it was. Raises SetupError (`store_misconfigured`)."""
        return await _call(self._make_bucket)

    async def check(self) -> None:
        """Raise where the bucket does not answer within seconds, or is not there."""
        await _call(self._prober.head_bucket, Bucket=self._bucket)

    async def put_once(self, key: str, path: Path, sha256: str, content_type: str) -> bool:
        """Put the file unless the key is taken. True: it is ours. False: other bytes were there first; `head` tells which."""
        return await _call(self._put_once, key, path, sha256, content_type)

    async def fetch(self, key: str, path: Path, on_bytes: Callable[[int], None] | None = None) -> None:
        """Write the object to `path`; `on_bytes(count)` is called, from other threads, with each piece that arrived.

        Raises NotFound; OSError where the disk is full.
        """
        await _call(self._client.download_file, self._bucket, key, str(path), Callback=on_bytes)

    async def head(self, key: str) -> ObjectHead | None:
        """What is stored under the key; None: nothing."""
        return await _call(self._head, key)

    async def read(self, key: str, use: Callable[[IO[bytes], str], T]) -> T:
        """What `use(bytes, content type)` makes of the object, in another thread. Raises NotFound."""
        return await _call(self._read, key, use)

    async def list_all(self) -> list[Listed]:
        """Every object of the bucket; uploads that are still in parts are none."""
        return await _call(self._list_all)

    async def delete(self, key: str) -> None:
        """Remove the object; no object is fine."""
        await _call(self._client.delete_object, Bucket=self._bucket, Key=key)

    async def delete_prefix(self, prefix: str) -> int:
        """Remove every object below `prefix`, which ends in a slash. Answers how many there were."""
        if not prefix.strip("/") or not prefix.endswith("/"):
            raise ValueError("what is deleted is named like a folder")
        return await _call(self._delete_prefix, prefix)

    async def presign_get(self, key: str, ttl_s: int, filename: str) -> str:
        """A URL that downloads the object as `filename` for the next `ttl_s` seconds."""
        disposition = f"attachment; filename*=UTF-8''{quote(filename, safe='')}"
        params = {"Bucket": self._bucket, "Key": key, "ResponseContentDisposition": disposition}
        return self._signer.generate_presigned_url("get_object", Params=params, ExpiresIn=ttl_s)

    async def create_multipart(self, key: str) -> str:
        """Begin an upload in parts by a client; answers its id."""
        create = self._client.create_multipart_upload
        return (await _call(create, Bucket=self._bucket, Key=key, ChecksumAlgorithm="SHA256"))["UploadId"]

    async def presign_part(
        self, key: str, upload_id: str, number: int, size: int, sha256: str, ttl_s: int = 3600
    ) -> tuple[str, dict[str, str]]:
        """A URL to PUT exactly these bytes to, and the headers to send along. The store refuses other bytes."""
        checksum = b64encode(bytes.fromhex(sha256)).decode()
        params = {
            "Bucket": self._bucket,
            "Key": key,
            "UploadId": upload_id,
            "PartNumber": number,
            "ContentLength": size,
            "ChecksumSHA256": checksum,
        }
        url = self._signer.generate_presigned_url("upload_part", Params=params, ExpiresIn=ttl_s)
        return url, {"x-amz-checksum-sha256": checksum}

    async def list_parts(self, key: str, upload_id: str) -> list[Part]:
        """The parts stored so far, by number. Raises NotFound where the upload is gone: completed, or aborted."""
        parts = await _call(self._parts, key, upload_id)
        return [Part(part["PartNumber"], part["Size"], b64decode(part["ChecksumSHA256"]).hex()) for part in parts]

    async def complete_multipart(self, key: str, upload_id: str, size: int) -> None:
        """Make one object of the parts; done already is fine.

        Raises BadInput (`upload_incomplete`) where the parts are not `size` bytes together, and Unreachable where the store
        says yes but does not have the object: a versitygw killed in mid-completion does, until it was started again.
        """
        await _call(self._complete, key, upload_id, size)

    async def abort_multipart(self, key: str, upload_id: str) -> None:
        """Drop an upload and its parts; gone already is fine."""
        try:
            await _call(self._client.abort_multipart_upload, Bucket=self._bucket, Key=key, UploadId=upload_id)
        except NotFound:
            return

    async def list_multiparts(self, older_than: datetime) -> list[OpenUpload]:
        """Uploads begun before `older_than` and neither completed nor aborted."""
        return [upload for upload in await _call(self._open_uploads) if upload.started_at < older_than]

    def _make_bucket(self) -> bool:
        try:
            self._client.head_bucket(Bucket=self._bucket)
            return False
        except ClientError as error:
            if _status(error) != 404:
                raise
        create = partial(self._client.create_bucket, Bucket=self._bucket)
        if self._region != NAMELESS_REGION:
            where = cast("BucketLocationConstraintType", self._region)
            create = partial(create, CreateBucketConfiguration={"LocationConstraint": where})
        try:
            create()
        except ClientError as error:
            if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":  # somebody else was quicker
                raise
            return False
        return True

    def _read(self, key: str, use: Callable[[IO[bytes], str], T]) -> T:
        found = self._client.get_object(Bucket=self._bucket, Key=key)
        with found["Body"] as body:
            return use(cast("IO[bytes]", body), found["ContentType"])

    def _list_all(self) -> list[Listed]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket)
        return [
            Listed(found["Key"], found["Size"], found["LastModified"].astimezone(UTC))
            for page in pages
            for found in page.get("Contents", [])
        ]

    def _put_once(self, key: str, path: Path, sha256: str, content_type: str) -> bool:
        if path.stat().st_size >= self._multipart_from:
            return self._put_parts(key, path, sha256, content_type)
        try:
            with path.open("rb") as body:
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=body,
                    ContentType=content_type,
                    Metadata={"sha256": sha256},
                    ChecksumSHA256=b64encode(bytes.fromhex(sha256)).decode(),
                    IfNoneMatch="*",
                )
        except ClientError as error:
            if _status(error) in TAKEN:
                return False
            raise
        return True

    def _put_parts(self, key: str, path: Path, sha256: str, content_type: str) -> bool:
        created = self._client.create_multipart_upload(
            Bucket=self._bucket, Key=key, ContentType=content_type, Metadata={"sha256": sha256}
        )
        upload_id = created["UploadId"]
        try:
            with path.open("rb") as body:
                for number, data in enumerate(iter(lambda: body.read(OWN_PART_BYTES), b""), start=1):
                    self._client.upload_part(Bucket=self._bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=data)
            self._assemble(key, upload_id, self._parts(key, upload_id))
        except ClientError as error:
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id)
            if _status(error) in TAKEN:
                return False
            raise
        self._expect(key, path.stat().st_size)
        return True

    def _complete(self, key: str, upload_id: str, size: int) -> None:
        try:
            parts = self._parts(key, upload_id)
            if sum(part["Size"] for part in parts) == size:
                self._assemble(key, upload_id, parts)
            elif self._head(key) is None:  # a store killed while it cleared up has the object, and only some of its parts
                raise BadInput("Some parts of this upload are missing or of another size.", code="upload_incomplete")
        except ClientError as error:
            if _status(error) not in (404, *TAKEN):
                raise
        self._expect(key, size)

    def _assemble(self, key: str, upload_id: str, parts: list["PartTypeDef"]) -> None:
        """The checksums come from the store: without them it does not complete an upload that was begun with them."""
        chosen: list[CompletedPartTypeDef] = []
        for part in parts:
            chosen.append({"PartNumber": part["PartNumber"], "ETag": part["ETag"]})
            if "ChecksumSHA256" in part:
                chosen[-1]["ChecksumSHA256"] = part["ChecksumSHA256"]
        self._client.complete_multipart_upload(
            Bucket=self._bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": chosen}, IfNoneMatch="*"
        )

    def _expect(self, key: str, size: int) -> None:
        head = self._head(key)
        if head is None or head.size != size:
            raise Unreachable("The object store has not put this upload together; try again.", code="store_unavailable")

    def _head(self, key: str) -> ObjectHead | None:
        try:
            head = self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if _status(error) == 404:
                return None
            raise
        return ObjectHead(head["ContentLength"], head["Metadata"].get("sha256", ""), head["ContentType"])

    def _parts(self, key: str, upload_id: str) -> list["PartTypeDef"]:
        pages = self._client.get_paginator("list_parts").paginate(Bucket=self._bucket, Key=key, UploadId=upload_id)
        return [part for page in pages for part in page.get("Parts", [])]

    def _open_uploads(self) -> list[OpenUpload]:
        pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket)
        return [
            OpenUpload(upload["Key"], upload["UploadId"], upload["Initiated"].astimezone(UTC))
            for page in pages
            for upload in page.get("Uploads", [])
        ]

    def _delete_prefix(self, prefix: str) -> int:
        count = 0
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            keys: list[ObjectIdentifierTypeDef] = [{"Key": found["Key"]} for found in page.get("Contents", [])]
            if keys:
                answer = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": keys, "Quiet": True})
                if answer.get("Errors"):
                    raise Unreachable("The object store did not delete everything; try again.", code="store_unavailable")
            count += len(keys)
        return count


def _client(settings: Settings, endpoint: str, *, read_timeout_s: int = 60, attempts: int = 3) -> "S3Client":
    """A client of the store at `endpoint`, whose host is part of what it signs."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=settings.s3_access_key.get_secret_value(),
        aws_secret_access_key=settings.s3_secret_key.get_secret_value(),
        region_name=settings.s3_region,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            connect_timeout=5,
            read_timeout=read_timeout_s,
            retries={"mode": "standard", "total_max_attempts": attempts},
            max_pool_connections=32,
        ),
    )


async def _call(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run one of boto3's blocking calls in a thread and speak of its errors in our terms."""
    operation = function.__name__.lstrip("_")
    with within(f"store {operation}"), measured("store", operation):
        try:
            return await asyncio.to_thread(function, *args, **kwargs)
        except (HTTPClientError, StoreConnectionError, IncompleteReadError, RetriesExceededError) as error:
            raise Unreachable("The object store does not answer; try again shortly.", code="store_unavailable") from error
        except ClientError as error:
            raise _translated(error) from error


def _translated(error: ClientError) -> Exception:
    status, code = _status(error), error.response["Error"]["Code"]
    if status >= 500 or status == 429:
        return Unreachable("The object store cannot answer now; try again shortly.", code="store_unavailable")
    if status in (401, 403) or code == "NoSuchBucket" or error.operation_name == "HeadBucket":
        return SetupError("The object store refuses us: check its keys and that the bucket exists.", code="store_misconfigured")
    if status == 404:
        return NotFound("The object store has nothing there.")
    return error


def _status(error: ClientError) -> int:
    return error.response["ResponseMetadata"]["HTTPStatusCode"]
