"""The one ffmpeg runner: progress, limits, errors, and nothing left running."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from cutroom.contracts.media import MediaFacts
from cutroom.errors import BadInput, ToolFailed
from cutroom.media import ffmpeg
from cutroom.media.child import child
from cutroom.media.ffmpeg import FfmpegPlan
from cutroom.media.limits import Limits

PROGRESS = ("-nostdin", "-progress", "pipe:1", "-stats_period", "0.1")


def endless(out: Path) -> FfmpegPlan:
    args = (*PROGRESS, "-re", "-f", "lavfi", "-i", "testsrc2=s=64x64", "-f", "matroska", "-y", str(out))
    return FfmpegPlan(args, duration_s=3600)


def running(mark: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if str(mark) in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


async def until(true: asyncio.Event) -> None:
    await asyncio.wait_for(true.wait(), 30)


async def test_progress_only_moves_forward_and_the_log_is_kept(tmp_path: Path) -> None:
    seen: list[float] = []
    notes: list[str] = []
    args = (*PROGRESS, "-f", "lavfi", "-i", "testsrc2=s=64x64:d=2:r=25", "-f", "null", "-")
    ran = await ffmpeg.run(FfmpegPlan(args, 2), on_progress=seen.append, note=notes.append)
    assert ran.frames == 50
    assert seen == sorted(set(seen))
    assert seen[-1] == pytest.approx(2.0, abs=0.1)
    assert "exit status 0" in notes[0]


@pytest.mark.parametrize(("width", "height", "at_a_time"), [(640, 360, 8), (3840, 2160, 8), (7680, 4320, 3), (16384, 16384, 1)])
def test_fewer_of_the_largest_pictures_are_decoded_at_a_time_however_many_cores_there_are(
    width: int, height: int, at_a_time: int
) -> None:
    media = MediaFacts(container="mkv", duration_s=9, width=width, height=height, fps=25, video_codec="hevc", has_audio=False)
    source = ffmpeg.open_video(Path("large.mkv"), media)["V:0"].output("-", f="null")
    args = ffmpeg.plan(source, duration_s=9, limits=Limits()).args
    assert args[args.index("-threads") + 1] == str(at_a_time)
    assert args.index("-threads") < args.index("-i")


@pytest.mark.parametrize("stopped", [False, True], ids=["listening", "deaf to SIGTERM"])
async def test_a_cancelled_run_leaves_no_process_after_two_seconds(tmp_path: Path, stopped: bool) -> None:
    out, begun = tmp_path / "endless.mkv", asyncio.Event()
    task = asyncio.create_task(ffmpeg.run(endless(out), on_progress=lambda _: begun.set()))
    await until(begun)
    [process] = running(out)
    if stopped:
        process.send_signal(signal.SIGSTOP)
    at = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - at < 2
    assert running(out) == []


def test_ffmpeg_dies_with_a_worker_that_is_killed(tmp_path: Path) -> None:
    out = tmp_path / "endless.mkv"
    code = (
        "import asyncio, pathlib, sys\n"
        "from cutroom.media import ffmpeg\n"
        "plan = ffmpeg.FfmpegPlan(tuple(sys.argv[1:]), 1)\n"
        "asyncio.run(ffmpeg.run(plan, on_progress=lambda _: print('going', flush=True)))\n"
    )
    worker = subprocess.Popen([sys.executable, "-c", code, *endless(out).args], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    assert worker.stdout.readline() == "going\n"
    processes = [process for process in running(out) if process.pid != worker.pid]
    assert len(processes) == 1
    worker.kill()
    worker.wait()
    gone, alive = psutil.wait_procs(processes, timeout=5)
    assert (len(gone), alive) == (1, [])


async def test_a_file_that_is_no_video_is_bad_input(tmp_path: Path) -> None:
    source = tmp_path / "noise.mp4"
    source.write_bytes(os.urandom(4096))
    node = ffmpeg.open_source(source, "mp4")["V:0"].output("-", f="null")
    with pytest.raises(BadInput) as failed:
        await ffmpeg.run(ffmpeg.plan(node, duration_s=1, limits=Limits()))
    assert failed.value.code == "media_damaged"


async def test_a_wrong_option_is_a_tool_failure(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed):
        await ffmpeg.run(FfmpegPlan(("-no_such_option",), 1))


@pytest.mark.parametrize("limits", [Limits(cpu_s=1), Limits(file_size=100_000)], ids=["processor time", "file size"])
async def test_a_run_over_its_limits_is_ended_and_blamed_on_the_source(tmp_path: Path, limits: Limits) -> None:
    args = (*PROGRESS, "-f", "lavfi", "-i", "testsrc2=s=1280x720:d=600", "-c:v", "ffv1", "-y", str(tmp_path / "big.mkv"))
    with pytest.raises(BadInput) as failed:
        await ffmpeg.run(FfmpegPlan(args, 600, limits))
    assert failed.value.code == "media_too_costly"


async def test_a_child_sees_no_network() -> None:
    code = "import socket; print([name for _, name in socket.if_nameindex()])"
    async with child([sys.executable, "-c", code], Limits()) as process:
        out, err = await process.communicate()
    if b"not allowed here" in err:
        pytest.skip("this machine allows no network namespaces")
    assert out == b"['lo']\n"


async def test_a_source_opens_with_its_demuxer_told_and_local_protocols_only(tmp_path: Path) -> None:
    args = ffmpeg.open_source(tmp_path / "a.mkv", "webm").output("-", f="null").get_args()
    before = args[: args.index("-i")]
    assert before[before.index("-f") + 1] == "matroska"
    assert before[before.index("-protocol_whitelist") + 1] == "file,pipe"
    assert "-codec_whitelist" in before
