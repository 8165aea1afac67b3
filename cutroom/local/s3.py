"""The embedded object store: `versitygw` over a local folder.

Killed inside CompleteMultipartUpload the gateway loses the object in silence: it has renamed the upload's folder to
`<upload id>.<md5>-<n>.inprogress`, and completing again answers 200 while nothing is there. Before each start such folders get
their names back, so that completing again works.
"""

import asyncio
import os
import re
from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import SecretStr

from cutroom.local.leash import leashed
from cutroom.settings import Settings
from cutroom.store.objects import ObjectStore

REGION = "us-east-1"
_IN_PROGRESS = re.compile(r"(?P<upload>.+)\.[0-9a-f]{32}-\d+\.inprogress$")


@dataclass(frozen=True)
class S3:
    """One gateway. `folder` holds a folder per bucket."""

    binary: Path
    folder: Path
    port: int
    access_key: str
    secret_key: str
    bucket: str

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def prepare(self) -> None:
        """Makes the folder, and gives lost completes back to their uploads."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for upload in self.folder.glob("*/.sgwtmp/multipart/*/*.inprogress"):
            if match := _IN_PROGRESS.match(upload.name):
                upload.rename(upload.with_name(match["upload"]))

    def command(self) -> list[str]:
        command = [str(self.binary), "--port", f"127.0.0.1:{self.port}", "--region", REGION, "--quiet", "--health", "/health"]
        command += ["posix", *self._metadata(), str(self.folder)]
        return leashed(command)

    def environment(self) -> dict[str, str]:
        """The keys travel here and not on the command line, which everyone can read."""
        return {"PATH": os.defpath, "ROOT_ACCESS_KEY": self.access_key, "ROOT_SECRET_KEY": self.secret_key}

    def healthy(self) -> bool:
        try:
            return httpx.get(f"{self.endpoint}/health", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def finish(self) -> None:
        """The bucket, made where missing."""
        ours = Settings.model_construct(  # not the caller's environment
            s3_endpoint=self.endpoint,
            s3_access_key=SecretStr(self.access_key),
            s3_secret_key=SecretStr(self.secret_key),
            s3_bucket=self.bucket,
            s3_region=REGION,
        )
        asyncio.run(ObjectStore(ours).make_bucket())

    def _metadata(self) -> list[str]:
        """Extended attributes hold the metadata; where the file system has none, a folder beside the data does (slower)."""
        sidecar = self.folder.with_name(f"{self.folder.name}-metadata")
        try:
            os.setxattr(self.folder, "user.cutroom", b"1")
        except OSError:
            sidecar.mkdir(mode=0o700, exist_ok=True)
            return ["--sidecar", str(sidecar)]
        return []
