"""The `cutroom` command. Each sub-command is the Typer `app` of the module of its name, imported only when it is asked for.

A module with one command makes `typer.Typer()`, one with several `typer.Typer(name=...)`.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 this machine lacks something, 4 a server does not answer, 130 stopped by Ctrl-C.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

import typer
from rich.console import Console

from cutroom.errors import CutroomError, SetupError, Unreachable

COMMANDS = (
    "up",
    "prepare",
    "run",
    "summarize",
    "jobs",
    "tokens",
    "credits",
    "webhooks",
    "organisations",
    "models",
    "reconcile",
    "temporal",
    "demo",
    "doctor",
    "backup",
    "restore",
)
EXIT_CODES: dict[type[CutroomError], int] = {SetupError: 3, Unreachable: 4}


def command_line(asked: str | None) -> typer.Typer:
    """The command line with the sub-command `asked`, or with all of them where that is none of ours (help, a typing error)."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, callback=_root)
    for name in (asked,) if asked in COMMANDS else COMMANDS:
        app.add_typer(import_module(f"cutroom.cli.{name}").app)
    return app


def _root() -> None:
    """Long recordings become captioned vertical clips."""


def main() -> None:
    """Runs the command line; an error of ours becomes a sentence and an exit code."""
    try:
        with _packages():
            command_line(next(iter(sys.argv[1:]), None))()
    except CutroomError as error:
        Console(stderr=True, soft_wrap=True).print(f"[red]error[/red] {error.code}:", error.detail, highlight=False)
        sys.exit(EXIT_CODES.get(type(error), 1))


@contextmanager
def _packages() -> Iterator[None]:
    """Say which package a command misses where the installation leaves it out, as an image of one process does."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise SetupError(f"This command needs the package {error.name}: install Cutroom with all its extras.") from error
