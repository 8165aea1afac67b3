"""Aligners run beside each other, are replaced when they die or hang, and never outlive who asks them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from cutroom.errors import ToolFailed
from cutroom.speech import aligners as module
from cutroom.speech.align import Aligner
from cutroom.speech.aligners import Aligners
from cutroom.speech.sound import RATE, read_samples
from tests.speech.conftest import Talk

ASKS = "import sys, psutil; from cutroom.speech.aligners import Aligners; own = Aligners(); own.knows('speech'); "
ASKS += "print(psutil.Process().children()[0].pid, flush=True); sys.stdin.read()"


@pytest.fixture
def aligners() -> Iterator[Aligners]:
    """Fresh ones, whose processes end with the test."""
    before = {child.pid for child in psutil.Process().children()}
    yield Aligners()
    for child in psutil.Process().children():
        if child.pid not in before:
            child.kill()


def the_one(before: set[int]) -> psutil.Process:
    (child,) = (child for child in psutil.Process().children() if child.pid not in before)
    return child


def test_several_ask_at_once_and_each_is_told_what_one_aligner_says(aligners: Aligners, talk: Talk) -> None:
    said = [[word for word in talk.words if word.sentence == sentence] for sentence in range(4)]
    samples = [read_samples(talk.sound, words[0].start_s - 0.3, words[-1].end_s + 0.3) for words in said]
    texts = [[word.text for word in words] for words in said]
    alone = Aligner()
    with ThreadPoolExecutor(4) as pool:
        times = list(pool.map(lambda sound, text: aligners.align(sound, text, "en"), samples, texts))
    assert times == [alone.align(sound, text, "en") for sound, text in zip(samples, texts, strict=True)]
    assert all(time is not None for found in times for time in found)


def test_one_that_died_while_idle_is_replaced_unnoticed(aligners: Aligners) -> None:
    before = {child.pid for child in psutil.Process().children()}
    assert aligners.knows("speech")
    dead = the_one(before)
    dead.kill()
    dead.wait(10)
    assert aligners.knows("speech")
    assert not aligners.knows("kubernetes")


def test_one_that_nobody_asks_ends_and_the_next_question_starts_another() -> None:
    before = {child.pid for child in psutil.Process().children()}
    aligners = Aligners(idle_s=0.1)
    assert aligners.knows("speech")
    first = the_one(before)
    first.wait(30)
    assert aligners.knows("speech")
    assert the_one(before).pid != first.pid


@pytest.mark.parametrize("seconds", [1, 15])
def test_one_that_hangs_is_ended_and_said_to_have_failed(aligners: Aligners, monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """Before it has read all of a question that no pipe holds, too."""
    before = {child.pid for child in psutil.Process().children()}
    assert aligners.knows("speech")
    hung = the_one(before)
    hung.send_signal(signal.SIGSTOP)
    monkeypatch.setattr(module, "LONGEST_S", 0.2)
    with pytest.raises(ToolFailed, match="did not answer"):
        aligners.align(np.zeros(seconds * RATE, np.int16), ["speech"], "en")
    assert not psutil.pid_exists(hung.pid)


def test_they_end_with_a_worker_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ASKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as worker:
        assert worker.stdout is not None
        child = psutil.Process(int(worker.stdout.readline()))
        os.kill(worker.pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_they_are_told_no_secret_of_the_worker(aligners: Aligners, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUTROOM_S3_SECRET_KEY", "not for aligners")
    before = {child.pid for child in psutil.Process().children()}
    aligners.knows("speech")
    assert "not for aligners" not in the_one(before).environ().values()
