"""Runs a command that dies with its parent, however the parent goes, and with fewer rights where asked.

`leashed` builds the command line; as a script (standard library only, 20 ms) this file tells the kernel to signal the
process when its parent ends, drops to another account, and becomes the command. The request has to come after the
change of account, which clears it, and the parent may already be gone by then: so it is looked at once more.
util-linux's `setpriv --pdeathsig` does the same, save that last look.
"""

import ctypes
import os
import pwd
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Account:
    """Whom a process runs as."""

    uid: int
    gid: int


def unprivileged() -> Account | None:
    """Whom a server that refuses root runs as: None (nothing to change) where we are not root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    return Account(entry.pw_uid, entry.pw_gid)


def leashed(
    command: Sequence[str], *, on_parent_death: signal.Signals = signal.SIGKILL, account: Account | None = None
) -> list[str]:
    """`command` such that it gets `on_parent_death` when the calling thread's process ends.

    The kernel looks at the thread that forks: start it from the main thread.
    """
    who = f"{account.uid}:{account.gid}" if account else "-"
    return [sys.executable, "-I", "-S", str(Path(__file__).resolve()), str(int(on_parent_death)), str(os.getpid()), who, *command]


def _become(signal_number: int, parent: int, who: str, command: list[str]) -> None:
    if who != "-":
        uid, gid = map(int, who.split(":"))
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal_number) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        sys.exit("the parent is gone")
    os.execvp(command[0], command)


if __name__ == "__main__":
    _become(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
