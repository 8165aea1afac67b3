"""What the command says, and the exit codes that scripts can use."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cutroom.cli import main
from cutroom.cli.run import files_of, terms_of
from cutroom.errors import InvalidRequest
from cutroom.settings import get_settings


@pytest.fixture(autouse=True)
def nobody_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A home without a stack, and an API address where nothing listens."""
    monkeypatch.setenv("CUTROOM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CUTROOM_API_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("cutroom.client.client.PATIENCE_S", 0.0)
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def exit_code(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["cutroom", *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    return caught.value.code


def test_without_a_token_it_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(monkeypatch, "jobs", "list") == 3
    assert "cutroom up" in capsys.readouterr().err


def test_a_server_that_does_not_answer_is_an_exit_code_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CUTROOM_API_TOKEN", "ctr_live_something")
    monkeypatch.setattr("cutroom.client.transport.PATIENCE_S", 0.0)
    assert exit_code(monkeypatch, "credits", "show") == 4
    assert "api_unavailable" in capsys.readouterr().err


@pytest.mark.parametrize("command", [("run", "nowhere.mp4"), ("demo", "--video", "nowhere.mp4")])
def test_a_file_that_is_not_there_is_said_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, command: tuple[str, ...]
) -> None:
    assert exit_code(monkeypatch, *command, "--out", str(tmp_path / "out")) == 1
    assert "nowhere.mp4" in capsys.readouterr().err


def test_a_sample_that_is_too_short_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert exit_code(monkeypatch, "demo", "--seconds", "5", "--out", str(tmp_path / "out")) == 1
    assert "at least 30 seconds" in capsys.readouterr().err


def test_an_unknown_command_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    assert exit_code(monkeypatch, "nonsense") == 2


def test_models_are_listed_as_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(monkeypatch, "models", "--json") == 0
    assert "pocketsphinx" in {model["engine"] for model in json.loads(capsys.readouterr().out)}


def test_a_clip_names_only_the_files_that_it_has() -> None:
    silent = {"ordinal": 3, "files": ["video", "thumbnail", "framing"]}
    assert files_of(silent) == {"file": "clip-03.mp4", "captions": None, "thumbnail": "clip-03.jpg", "frame": "clip-03.frame.json"}


def test_names_and_terms_are_given_one_by_one_or_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "names.txt"
    file.write_text("\ufeffNguy\u1ec5n\n\n  K8s \n", "utf-8")
    assert terms_of(["Temporal", f"@{file}"]) == ["Temporal", "Nguy\u1ec5n", "K8s"]


def test_a_file_of_names_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "names.bin").write_bytes(b"\xff\xfe\xfa")
    for name, code in (("nothing.txt", "file_not_found"), ("names.bin", "file_unreadable")):
        with pytest.raises(InvalidRequest) as caught:
            terms_of([f"@{tmp_path / name}"])
        assert caught.value.code == code
