"""The other tools that figures are compared with, in an environment of their own under `.tools/peers`."""

import shutil
import subprocess
import sys
from pathlib import Path

_LIST = Path(__file__).with_name("peers.txt")
_HOME = Path(__file__).parents[1] / ".tools" / "peers"


def peers_python() -> Path:
    """The Python that has them, set up on first use. Raises SystemExit where they cannot be had, saying why."""
    python, stamp = _HOME / "bin" / "python", _HOME / "peers.txt"
    if not (stamp.is_file() and stamp.read_text() == _LIST.read_text()):
        shutil.rmtree(_HOME, ignore_errors=True)
        print("setting up the tools to compare with, once", file=sys.stderr)
        for command in (
            [sys.executable, "-m", "venv", str(_HOME)],
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(_LIST)],
        ):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"The tools to compare with could not be set up:\n{done.stdout}{done.stderr}")
        stamp.write_text(_LIST.read_text())
    return python
