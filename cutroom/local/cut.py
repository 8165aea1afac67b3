"""One instant of a home's database and of its Temporal file, whether its stack runs or not.

What must not be is a Temporal that believes in a step whose row was lost, or a row that is ahead of its workflow. So our
processes, through which everything passes from one to the other, stand still for the moment in which a snapshot of the database
is exported and a read of Temporal's file is begun. Both are copied afterwards, at leisure, as of that moment.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from cutroom.errors import Unreachable
from cutroom.local.hold import Hold, held
from cutroom.local.home import Home
from cutroom.local.stack import PROCESSES, read_run
from cutroom.store.snapshot import Snapshot, snapshot

Run = Mapping[str, Any]  # what `read_run` answers


@dataclass(frozen=True)
class Cut:
    """The instant `at`. `name`: of the database's snapshot. `held_s`: how long the processes stood still."""

    at: datetime
    held_s: float
    name: str
    database: Snapshot
    temporal: sqlite3.Connection


@contextmanager
def cut(home: Home, run: Run | None, database_url: str, temporal_file: Path) -> Iterator[Cut]:
    """Both sides as of now, for as long as the body runs.

    `run`: the stack of this home, which is settled; None: none runs, and none can start.

    Raises Unreachable: `stack_unsettled`, `database_unavailable`, `temporal_unavailable`.
    """
    with snapshot(database_url) as database, _opened(temporal_file) as temporal:
        with _standing_still(home, run) if run else nullcontext(Hold()) as hold:
            name = database.export()
            temporal.execute("begin")
            temporal.execute("select count(*) from sqlite_master")  # the read fixes what this connection sees from now on
            at = datetime.now(UTC)
        yield Cut(at, hold.seconds, name, database, temporal)


def require_settled(run: Run) -> None:
    """Raises Unreachable (`stack_unsettled`) where a part of the stack is being started."""
    if not all(name in run["parts"] and run["parts"][name]["healthy"] for name in PROCESSES):
        raise _unsettled()


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(file, timeout=1, isolation_level=None, check_same_thread=False)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise Unreachable(f"Temporal's file cannot be read ({error}); try again.", code="temporal_unavailable") from error


@contextmanager
def _standing_still(home: Home, run: Run) -> Iterator[Hold]:
    """While the body runs no process of ours does, and the supervisor has started no other in its place."""
    pids = [run["parts"][name]["pid"] for name in PROCESSES]
    if not all(_is_child(pid, run["pid"]) for pid in pids):
        raise _unsettled()
    with held(pids) as hold:
        yield hold
        if read_run(home) != run:
            raise _unsettled()


def _is_child(pid: int, parent: int) -> bool:
    """Whether the number still means the process that the supervisor started."""
    try:
        return psutil.Process(pid).ppid() == parent
    except psutil.NoSuchProcess:
        return False


def _unsettled() -> Unreachable:
    return Unreachable("A part of the stack is being started; try again shortly.", code="stack_unsettled")
