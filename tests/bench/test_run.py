"""The whole bench loses nothing to a part that dies, and says when a tool to compare with is not there."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import __main__ as run
from bench import peers
from bench.report import Figure, Part, at_most

GOOD = Part("good", ["a talk"], [Figure("figure", 1)])
MISSED = Part("missed", ["a talk"], [at_most("figure", 2, 1)])


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(run, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(run, "DOCUMENT", tmp_path / "benchmarks.md")
    return tmp_path / "results.json"


def dies() -> Iterator[Part]:
    yield GOOD
    raise RuntimeError("the campaign ended as failed")


def test_what_was_measured_before_a_part_dies_is_kept_and_the_error_is_told(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run._run("campaign", run.Task(dies, 60, 1), 600) is None
    assert [part["name"] for part in json.loads(results.read_text())] == ["good"]
    assert "| figure | 1 |" in (results.parent / "benchmarks.md").read_text()
    told = capsys.readouterr()
    assert "campaign: about 11 min" in told.err
    assert "the campaign ended as failed" in told.err
    assert "good: a talk" in told.out


def test_a_missed_target_and_an_error_end_no_later_part_and_both_make_the_exit_status_one(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def tasks(*_: object) -> dict[str, run.Task]:
        return {name: run.Task(measure, 1, 0) for name, measure in measures.items()}

    monkeypatch.setattr(run, "tasks", tasks)
    monkeypatch.setattr("sys.argv", ["bench"])
    measures = {"shots": dies, "sound": lambda: iter([MISSED]), "length": lambda: iter([GOOD])}
    assert run.main() == 1
    assert [part["name"] for part in json.loads(results.read_text())] == ["good", "missed"]
    assert "Ended by an error, told above: shots." in capsys.readouterr().err
    del measures["shots"]
    assert run.main() == 1
    del measures["sound"]
    assert run.main() == 0


def test_tools_that_cannot_be_set_up_become_a_note_that_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = tmp_path / "peers.txt"
    wanted.write_text("./nowhere\n")
    monkeypatch.setattr(peers, "_LIST", wanted)
    monkeypatch.setattr(peers, "_HOME", tmp_path / "home")
    monkeypatch.setattr(peers, "PYTHON", tmp_path / "home" / "bin" / "python")
    (note,) = peers.missing_peers.__wrapped__()
    assert note.startswith("Not compared with other tools, which could not be set up: ")
    assert "nowhere" in note
