"""Makes `.venv` and the tools, or finds them made. Standard library only; run by scripts/setup.sh with Python 3.11.

What is installed follows from the files in `INPUTS`: while they are unchanged, a second run only looks at its stamp.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
UV_HOME = ROOT / ".tools"
UV_VERSION = "0.13.8"
STAMP = VENV / ".cutroom-setup"
INPUTS = ("requirements.lock", "requirements-torch.txt", "pyproject.toml", "scripts/setup.py", "cutroom/local/tools.py")
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
GIVE_UP_S = 10


def main() -> None:
    key = fingerprint()
    if STAMP.exists() and STAMP.read_text() == key:
        return
    began = time.monotonic()
    uv = install_uv()
    if not (VENV / "bin" / "python").exists():
        run("Making .venv", [uv, "venv", "--quiet", "--python", sys.executable, str(VENV)])
    install = [uv, "pip", "install", "--python", str(VENV / "bin" / "python")]
    locked = ["--no-deps", "--require-hashes", "-r", "requirements.lock"]
    run("Installing the locked packages (about 140; a minute or two the first time)", [*install, *locked])
    run("Installing PyTorch", [*install, *torch_index(), "-r", "requirements-torch.txt"])
    run("Installing Cutroom itself", [*install, "--quiet", "--no-deps", "--editable", "."])
    run("Looking for the Temporal server and the S3 gateway", [str(VENV / "bin" / "python"), "-m", "cutroom.local.tools"])
    STAMP.write_text(key)
    say(f"Ready after {time.monotonic() - began:.0f} s.")


def fingerprint() -> str:
    """Changes with every input and with the interpreter."""
    digest = hashlib.sha256(sys.version.encode())
    for name in INPUTS:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def install_uv() -> str:
    """uv of the pinned version, in a folder of this clone: by a virtual environment, or by pip where Python lacks ensurepip."""
    uv = UV_HOME / UV_VERSION / "bin" / "uv"
    if uv.exists():
        return str(uv)
    scratch = UV_HOME / "new"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.parent.mkdir(exist_ok=True)
    say(f"Installing uv {UV_VERSION} ...")
    requirement = ["--quiet", "--disable-pip-version-check", f"--timeout={GIVE_UP_S}", "--retries=1", f"uv=={UV_VERSION}"]
    attempts = [
        [[sys.executable, "-m", "venv", str(scratch)], [str(scratch / "bin" / "python"), "-m", "pip", "install", *requirement]],
        [[sys.executable, "-m", "pip", "install", "--target", str(scratch), *requirement]],
    ]
    reasons = []
    for commands in attempts:
        shutil.rmtree(scratch, ignore_errors=True)
        if not (reason := first_failure(commands)):
            scratch.rename(uv.parent.parent)
            return str(uv)
        reasons.append(reason)
    sys.exit(
        "uv could not be installed:\n  "
        + "\n  ".join(reasons)
        + "\nThis Python needs venv or pip (Debian: apt install python3.11-venv), "
        "and a package index within reach."
    )


def first_failure(commands: list[list[str]]) -> str:
    """Runs the commands until one fails; returns its last words, or nothing."""
    for command in commands:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            return (done.stdout.strip().splitlines() or [f"{command[0]} ended with {done.returncode}"])[-1]
    return ""


def torch_index() -> list[str]:
    """Where PyTorch comes from: its CPU index (0.2 GB) where there is no NVIDIA GPU and the index answers, else plain wheels."""
    if shutil.which("nvidia-smi") and subprocess.run(["nvidia-smi"], capture_output=True, check=False).returncode == 0:
        say("An NVIDIA GPU is here: taking PyTorch with CUDA (several GB).")
        return []
    ask = f"import urllib.request; urllib.request.urlopen('{TORCH_CPU_INDEX}/torch/', timeout={GIVE_UP_S})"
    try:  # in a process of its own: a name server that says nothing is not held to a socket's timeout
        subprocess.run([sys.executable, "-c", ask], capture_output=True, timeout=GIVE_UP_S, check=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        say("PyTorch's CPU index does not answer: taking the plain wheels instead (several GB; they run on a CPU too).")
        return []
    return ["--index", TORCH_CPU_INDEX]


def run(title: str, command: list[str]) -> None:
    say(f"{title} ...")
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "UV_HTTP_TIMEOUT": "60"}, check=False)
    if done.returncode != 0:
        sys.exit(f"{title} failed; what it said is above.")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
