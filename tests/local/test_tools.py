"""Programs are fetched whole or not at all, and a server that says nothing is given up."""

import io
import json
import os
import socket
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from cutroom.errors import SetupError
from cutroom.local import tools
from cutroom.local.ports import free_port, holder, require_free

PROGRAM = b"#!/bin/sh\necho hello\n"


@contextmanager
def site(archive: bytes) -> Iterator[str]:
    """Answers as Temporal's download site does: where the archive is, then the archive."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/cli/v1.2.3?"):
                body = json.dumps({"archiveUrl": f"http://127.0.0.1:{port}/archive", "fileToExtract": "temporal"}).encode()
            else:
                body = archive
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    port = server.server_address[1]
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{port}/cli"
    server.shutdown()
    server.server_close()


def archive_of(name: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(PROGRAM)
        archive.addfile(entry, io.BytesIO(PROGRAM))
    return packed.getvalue()


def test_a_program_is_fetched_and_can_be_run(tmp_path: Path) -> None:
    said: list[str] = []
    with site(archive_of("temporal")) as url:
        tools.fetch_archive(url, "1.2.3", tmp_path / "temporal-1.2.3", said.append)
    assert (tmp_path / "temporal-1.2.3").read_bytes() == PROGRAM
    assert (tmp_path / "temporal-1.2.3").stat().st_mode & 0o111
    assert said


def test_an_archive_without_the_program_leaves_nothing(tmp_path: Path) -> None:
    with site(archive_of("readme")) as url, pytest.raises(KeyError):
        tools.fetch_archive(url, "1.2.3", tmp_path / "temporal-1.2.3", lambda detail: None)
    assert list(tmp_path.iterdir()) == []


def test_a_site_that_says_nothing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "GIVE_UP_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(httpx.TimeoutException):
            tools.fetch_archive(f"http://127.0.0.1:{silent.getsockname()[1]}", "1.2.3", tmp_path / "x", lambda detail: None)
        assert time.monotonic() - began < 5


def test_a_taken_port_is_named_with_who_holds_it_and_the_setting_that_moves_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SetupError, match=rf"Port {port}.*process {os.getpid()}.*CUTROOM_S3_PORT"):
            require_free(port, "the S3 gateway", "CUTROOM_S3_PORT")
    assert holder(free_port()) is None
