"""`cutroom doctor` names each part, and what to do about what is missing."""

import json
import os
import socket
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from cutroom.local.diagnosis import examine
from cutroom.local.finding import Finding
from cutroom.local.ports import free_port
from cutroom.settings import Settings


def finding(settings: Settings, part: str) -> Finding:
    return next(each for each in examine(settings) if each.part == part)


def doctor(home: Path, **variables: str) -> tuple[int, dict[str, dict[str, str]]]:
    """Exit code, and the findings by part."""
    ports = {f"CUTROOM_{name}_PORT": str(free_port()) for name in ("API", "METRICS", "POSTGRES", "TEMPORAL", "TEMPORAL_UI", "S3")}
    done = subprocess.run(
        [sys.executable, "-c", "from cutroom.cli import main; main()", "doctor", "--json"],
        env={**os.environ, **ports, "CUTROOM_HOME": str(home), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, {each["part"]: each for each in json.loads(done.stdout)}


def test_on_this_machine_nothing_needed_is_missing(tmp_path: Path) -> None:
    code, found = doctor(tmp_path / "home")
    assert code == 0
    assert {each["state"] for each in found.values()} <= {"ok", "warning"}
    assert all(
        each["source"] and each["version"] for part, each in found.items() if part in ("postgres", "temporal", "s3", "ffmpeg")
    )
    assert not (tmp_path / "home").exists()


def test_an_ffmpeg_without_what_we_need_is_named(tmp_path: Path) -> None:
    code, found = doctor(tmp_path, CUTROOM_FFMPEG="/bin/true")
    assert code == 1
    assert found["ffmpeg"]["state"] == "missing"
    assert "libx264" in found["ffmpeg"]["advice"]


def test_a_taken_port_is_named_with_its_setting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = finding(Settings(home=tmp_path, api_port=port), f"port {port}")
    assert found.state == "missing"
    assert "CUTROOM_API_PORT" in found.advice


def test_an_outside_server_that_does_not_answer_is_named(tmp_path: Path) -> None:
    found = finding(Settings(home=tmp_path, temporal_address=f"127.0.0.1:{free_port()}"), "temporal")
    assert (found.state, found.used) == ("missing", "outside")
    assert "CUTROOM_TEMPORAL_ADDRESS" in found.advice


def test_an_outside_server_that_answers_is_used_and_its_password_never_shown(tmp_path: Path, settings: Settings) -> None:
    found = finding(settings, "postgres")
    assert (found.state, found.used) == ("ok", "outside")
    assert not any(settings.database_url.get_secret_value() in str(each) for each in examine(settings))


def test_the_recogniser_that_a_job_would_be_given_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "whisper").mkdir()
    (tmp_path / "whisper" / "base.pt").write_bytes(b"weights")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "model.bin").write_bytes(b"weights")
    assert finding(Settings(whisper_model="base"), "speech").used == "whisper base"
    own = finding(Settings(whisper_model=str(tmp_path / "own")), "speech")
    assert (own.state, own.used, own.source) == ("ok", f"faster_whisper {tmp_path / 'own'}", str(tmp_path / "own"))
    assert finding(Settings(whisper_model=str(tmp_path / "gone.pt")), "speech").state == "missing"


def test_a_process_without_models_is_fine_among_servers_elsewhere(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(package: str) -> str:
        raise PackageNotFoundError(package)

    monkeypatch.setattr("cutroom.local.diagnosis.version", nothing)
    assert finding(settings, "models").state == "ok"
    assert finding(settings.model_copy(update={"s3_endpoint": ""}), "pytorch").state == "missing"
