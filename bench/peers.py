"""The other tools that figures are compared with, in an environment of their own under `.tools/peers`."""

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

_LIST = Path(__file__).with_name("peers.txt")
_HOME = Path(__file__).parents[1] / ".tools" / "peers"
PYTHON = _HOME / "bin" / "python"  # which has them, where nothing is missing


@cache
def missing_peers() -> list[str]:
    """Sets them up, once; where that fails, a note that says so. Ask before anything is timed."""
    stamp = _HOME / "peers.txt"
    if not (stamp.is_file() and stamp.read_text() == _LIST.read_text()):
        if reason := _set_up():
            return [f"Not compared with other tools, which could not be set up: {reason}"]
        stamp.write_text(_LIST.read_text())
    return []


def _set_up() -> str:
    """Why it failed, or empty."""
    print("setting up the tools to compare with, once", file=sys.stderr)
    shutil.rmtree(_HOME, ignore_errors=True)
    for command in (
        [sys.executable, "-m", "venv", str(_HOME)],
        [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(_LIST)],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            print(f"{done.stdout}{done.stderr}", file=sys.stderr)
            return (done.stderr or done.stdout or f"exit status {done.returncode}").strip().splitlines()[-1]
    return ""
