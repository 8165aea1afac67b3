"""Sending a file: part by part, straight to the store, going on where an earlier attempt stopped."""

import hashlib
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from cutroom.client.resources import Asset, Upload
from cutroom.client.transport import Transport, error_of, rejection
from cutroom.errors import Conflict, NotFound, Unreachable

Progress = Callable[[int, int], None]
POLL_S = 0.25


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def send(transport: Transport, path: Path, kind: str | None, on_progress: Progress) -> Asset:
    """Upload `path` and wait until it is verified; `on_progress(bytes stored, bytes in all)`.

    The upload's Idempotency-Key is made of the bytes, so typing the command again after a broken connection finds the same
    upload and sends only the rest. Raises BadInput with the reason where the file cannot be used.
    """
    sha256, size = sha256_of(path), path.stat().st_size
    body = {"filename": path.name, "size_bytes": size, "kind": kind, "sha256": sha256}
    for attempt in range(100):
        upload = Upload.model_validate(transport.post("/v1/uploads", body, key=f"file-{sha256}-{kind}-{attempt}"))
        try:
            asset = _finish(transport, upload, path, size, on_progress)
        except (NotFound, Conflict):
            continue  # that upload, or its asset, was given up or deleted meanwhile
        if asset.status != "rejected":
            return asset
        raise rejection(asset.error.code if asset.error else "bad_input", asset.error.detail if asset.error else "Rejected.")
    raise Conflict("This file was uploaded and deleted too often; try again tomorrow.", code="upload_aborted")


def _finish(transport: Transport, upload: Upload, path: Path, size: int, on_progress: Progress) -> Asset:
    if upload.id is not None:
        state = transport.get(f"/v1/uploads/{upload.id}")
        if state["status"] == "aborted":
            raise Conflict("This upload was aborted.", code="upload_aborted")
        if state["status"] == "open":
            stored = {part["number"] for part in state["parts"]}
            _send_parts(transport, upload, path, size, stored, on_progress)
            transport.post(f"/v1/uploads/{upload.id}/complete")
    on_progress(size, size)  # nothing was sent of what is there already
    return wait_until_verified(transport, upload.asset_id)


def _send_parts(transport: Transport, upload: Upload, path: Path, size: int, stored: set[int], on_progress: Progress) -> None:
    done = min(size, len(stored) * upload.part_size)
    on_progress(done, size)
    for number in range(1, upload.part_count + 1):
        if number not in stored:
            transport.patiently(partial(_put, transport, upload, path, number))
            done = min(size, done + upload.part_size)
            on_progress(done, size)


def _put(transport: Transport, upload: Upload, path: Path, number: int) -> None:
    """Send one part to a fresh URL, so that a retry never meets an expired one."""
    body = _part(path, upload.part_size, number)
    wanted = {"number": number, "sha256": hashlib.sha256(body).hexdigest()}
    (url,) = transport.post(f"/v1/uploads/{upload.id}/parts", {"parts": [wanted]})["urls"]
    response = transport.store.put(url["url"], content=body, headers=url["headers"])
    if response.status_code >= 500:
        raise Unreachable("The store does not take the bytes at the moment.", code="store_unavailable")
    if not response.is_success:
        raise error_of(response)


def _part(path: Path, part_size: int, number: int) -> bytes:
    with path.open("rb") as file:
        file.seek((number - 1) * part_size)
        return file.read(part_size)


def wait_until_verified(transport: Transport, asset_id: str) -> Asset:
    """The asset once it is ready or rejected; of a duplicate the original."""
    while True:
        asset = Asset.model_validate(transport.get(f"/v1/assets/{asset_id}"))
        if asset.status == "duplicate" and asset.duplicate_of:
            return Asset.model_validate(transport.get(f"/v1/assets/{asset.duplicate_of}"))
        if asset.status in ("ready", "rejected"):
            return asset
        time.sleep(POLL_S)
