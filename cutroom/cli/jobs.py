"""`cutroom jobs`: what was asked for, where it stands, and saying go on, wait or stop."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.tree import Tree

from cutroom.cli.progress import LiveJob
from cutroom.cli.run import FAILED, save
from cutroom.cli.session import open_client
from cutroom.client import Job
from cutroom.errors import NotFound
from cutroom.settings import get_settings
from cutroom.telemetry import tracing, tree

app = typer.Typer(name="jobs", no_args_is_help=True, help="List, watch, steer and fetch jobs.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
JobId = Annotated[str, typer.Argument(help="Such as cmp_...")]


@app.command("list")
def list_jobs(
    status: Annotated[str | None, typer.Option(help="Only those in this state.")] = None, as_json: AsJson = False
) -> None:
    """All jobs, newest first."""
    with open_client(get_settings()) as client:
        found = list(client.jobs(status=status))
    if as_json:
        Console().print_json(data=[job.model_dump(mode="json") for job in found])
        return
    table = Table("job", "status", "step", "clips", "created")
    for job in found:
        ready = sum(clip.status == "ready" for clip in job.clips)
        table.add_row(job.id, job.status, job.step or "", f"{ready} of {len(job.clips)}", f"{job.created_at:%Y-%m-%d %H:%M:%S}")
    Console().print(table)


@app.command()
def show(job_id: JobId, as_json: AsJson = False) -> None:
    """One job: where it stands and what it made."""
    with open_client(get_settings()) as client:
        _print(client.job(job_id), as_json)


@app.command()
def watch(job_id: JobId) -> None:
    """Follow a job to its end. Exit code 1 where it does not succeed."""
    with open_client(get_settings()) as client:
        with LiveJob(Console(stderr=True)) as live:
            for event in client.events(job_id):
                live.show(event)
        if client.job(job_id).status != "succeeded":
            raise typer.Exit(FAILED)


@app.command()
def cancel(job_id: JobId, as_json: AsJson = False) -> None:
    """End a job soon; what is ready is kept and paid for."""
    with open_client(get_settings()) as client:
        _print(client.cancel(job_id), as_json)


@app.command()
def pause(job_id: JobId, as_json: AsJson = False) -> None:
    """Start no new step; the running ones end."""
    with open_client(get_settings()) as client:
        _print(client.pause(job_id), as_json)


@app.command()
def resume(job_id: JobId, as_json: AsJson = False) -> None:
    """Go on after a pause, or after you saw to what the job waited for."""
    with open_client(get_settings()) as client:
        _print(client.resume(job_id), as_json)


@app.command()
def fetch(job_id: JobId, out: Annotated[Path, typer.Option(help="Folder for the files.")] = Path("clips")) -> None:
    """Download everything that a job made."""
    with open_client(get_settings()) as client:
        save(client, job_id, out)


@app.command()
def log(job_id: JobId) -> None:
    """What the tools of each step said."""
    with open_client(get_settings()) as client:
        for name, text in client.logs(job_id):
            Console().print(f"== {name}\n{text}", markup=False, highlight=False)


@app.command()
def trace(
    job_id: JobId,
    every: Annotated[bool, typer.Option("--all", help="Do not fold lines of one name.")] = False,
    as_json: AsJson = False,
) -> None:
    """Where the time of a job went: request, steps and tools as a tree."""
    settings = get_settings()
    with open_client(settings) as client:
        trace_id = client.job(job_id).trace_id or ""
    grown = tree.grow(tree.read(tracing.folder(settings.home.expanduser()), trace_id)) if trace_id else []
    if not grown:
        where = f"at {settings.otlp_endpoint}" if settings.otlp_endpoint else "in this home"
        raise NotFound(f"No span of trace {trace_id or '(none)'} is kept {where} for this command to read.", code="trace_unknown")
    nodes = grown if every else tree.fold(grown)
    if as_json:
        Console().print_json(data=[asdict(node) for node in nodes])
        return
    drawn = Tree(f"trace {trace_id}", guide_style="dim")
    _grow(drawn, nodes)
    Console().print(drawn, highlight=False)


def _grow(branch: Tree, nodes: list[tree.Node]) -> None:
    for node in nodes:
        many = f", {node.count} times" if node.count > 1 else ""
        waited = f", waited {node.waited_s:.2f} s" if node.waited_s >= 0.01 else ""
        style = "red" if node.failed else ""
        line = f"{node.name}{many}  [bold]{node.took_s:.2f} s[/]{waited}  [dim]{node.process}, at {node.start_s:.1f} s[/]"
        _grow(branch.add(line, style=style), node.children)


def _print(job: Job, as_json: bool) -> None:
    if as_json:
        Console().print_json(data=job.model_dump(mode="json"))
        return
    console = Console()
    console.print(f"{job.id}  {job.status}  {job.step or ''}")
    if job.error:
        console.print(f"{job.error.code}: {job.error.detail}", style="red", markup=False)
    if job.attention:
        console.print(f"Waits for help: {job.attention.get('detail', '')}", style="yellow", markup=False)
    for clip in job.clips:
        console.print(f"  {clip.ordinal}. {clip.status:10} {clip.start_s:.1f} to {clip.end_s:.1f} s  {clip.title}", markup=False)
