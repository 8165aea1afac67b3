"""Processes that are held stand still, all of their threads, and go on whatever becomes of the one who holds them."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from cutroom.errors import Unreachable
from cutroom.local.hold import held

COUNTING = "import threading\nfor _ in range(3): threading.Thread(target=lambda: [None for _ in iter(int, 1)]).start()"
HOLDING = """
import sys, time
from cutroom.local.hold import held
with held([int(sys.argv[1])], 60):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def busy() -> Iterator[psutil.Process]:
    """A process of several threads that never wait."""
    with subprocess.Popen([sys.executable, "-c", COUNTING]) as process:
        found = psutil.Process(process.pid)
        until(lambda: found.num_threads() == 4)
        yield found
        process.kill()


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "waited 30 s in vain"
        time.sleep(0.005)


def stands_still(process: psutil.Process) -> bool:
    return process.status() == psutil.STATUS_STOPPED


def test_no_thread_moves_while_held_and_all_go_on_afterwards(busy: psutil.Process) -> None:
    with held([busy.pid], 10) as hold:
        before = [(thread.id, thread.user_time) for thread in busy.threads()]
        assert all(psutil.Process(thread).status() == psutil.STATUS_STOPPED for thread, _ in before)
        time.sleep(0.1)  # what is seen is that nothing happens
        assert [(thread.id, thread.user_time) for thread in busy.threads()] == before
    assert not stands_still(busy)
    assert 0.1 <= hold.seconds < 10


def test_held_processes_go_on_when_their_holder_is_killed(busy: psutil.Process) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDING, str(busy.pid)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert stands_still(busy)
        holder.kill()
        until(lambda: not stands_still(busy))


def test_nobody_is_held_longer_than_allowed_even_where_the_holder_hangs(busy: psutil.Process) -> None:
    with pytest.raises(Unreachable) as refused, held([busy.pid], 0.3):
        until(lambda: not stands_still(busy))
    assert refused.value.code == "stack_unsettled"


def test_a_process_that_is_gone_is_said_and_the_others_go_on(busy: psutil.Process) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    with pytest.raises(Unreachable) as refused, held([busy.pid, gone.pid], 10):
        pytest.fail("nothing is held")
    assert refused.value.code == "stack_unsettled"
    assert not stands_still(busy)
