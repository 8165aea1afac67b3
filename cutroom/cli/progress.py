"""What a person sees while it works: one line per step, moved by the job's events."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

from cutroom.client import Event

# Stage of a job -> what people read, and the steps whose progress is its own.
STAGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "confirm_payment": ("Confirming the payment", ()),
    "resolve_plan": ("Choosing the engines", ()),
    "prepare_media": ("Reading the recording", ("prepare_media",)),
    "prepare_sound": ("Reading the sound", ("prepare_sound",)),
    "transcribe": ("Hearing the words", ("transcribe_chunk",)),
    "detect_scenes": ("Seeing the shots", ("detect_shots_chunk",)),
    "score": ("Choosing the clips", ("select_clips",)),
    "clips": ("Making the clips", ("reframe_clip", "render_clip", "package_clip")),
    "settle": ("Settling", ()),
    "summarise": ("Summing up", ("summarise", "write_summary")),
    "join_reel": ("Joining the reel", ("join_reel",)),
}


class Sending:
    """Bars of uploads."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def of(self, text: str) -> Callable[[int, int], None]:
        """A callback `(bytes done, bytes in all)` that moves a bar of its own."""
        task = self._progress.add_task(text, total=None)
        return lambda done, total: self._progress.update(task, completed=done, total=total)


@contextmanager
def sending(console: Console) -> Iterator[Sending]:
    """Bars that count bytes."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        yield Sending(progress)


class LiveJob:
    """Shows a job's events; where the output is no terminal, a line per step."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description:24}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        self._console = console
        self._bars = Progress(*columns, console=console, disable=not console.is_terminal)
        self._tasks: dict[str, TaskID] = {}
        self._parts: dict[str, int] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bars.stop()

    def show(self, event: Event) -> None:
        """Move what the event is about."""
        step = str(event.data.get("step", ""))
        if event.kind == "progress":
            self._move({name: float(done) for name, done in event.data.items()})
        elif event.kind == "step_started":
            self._begin(step, int(event.data.get("parts", 1)))
        elif event.kind == "step_ended" and step in self._tasks:
            self._bars.update(self._tasks[step], completed=1.0)
            self._bars.stop_task(self._tasks[step])
        elif event.kind == "payment" and event.data.get("reason"):
            self._console.print(f"Not authorised yet: {event.data['reason']}", style="yellow", markup=False)
        elif event.kind == "attention":
            self._console.print(f"Waits for help at {step}: {event.data.get('error_detail', '')}", style="yellow", markup=False)
        elif event.kind == "status" and event.data.get("status") not in ("processing", None):
            self._console.print(f"Status: {event.data['status']}")

    def _begin(self, step: str, parts: int) -> None:
        text, _ = STAGES.get(step, (step, ()))
        self._parts[step] = parts
        if step not in self._tasks:
            self._tasks[step] = self._bars.add_task(text, total=1.0)
            if not self._console.is_terminal:
                self._console.print(f"{text} ...")

    def _move(self, fractions: dict[str, float]) -> None:
        """`fractions`: step, or step/part -> 0 to 1. A stage of several steps and parts shows their mean."""
        for stage, task in self._tasks.items():
            steps = STAGES.get(stage, ("", ()))[1]
            mine = [done for name, done in fractions.items() if name.partition("/")[0] in steps]
            expected = max(len(mine), len(steps) * self._parts[stage])
            if mine and not self._bars.tasks[task].finished:
                self._bars.update(task, completed=min(0.99, sum(mine) / expected))
