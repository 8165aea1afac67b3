"""Tells a person what a slow step is doing: a spinner on a terminal, a line at its start and end elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

Show = Callable[[int, int], None]  # bytes done, bytes in all


def counting(show: Show, total: int) -> Callable[[int], None]:
    """A callback that takes pieces of `total` bytes and shows how many there were."""
    done = 0

    def count(piece: int) -> None:
        nonlocal done
        done += piece
        show(min(done, total), total)

    return count


@contextmanager
def step(console: Console, title: str) -> Iterator[Callable[[str], None]]:
    """Shows `title` while the body runs; what is yielded shows a detail beside it."""
    began = time.monotonic()
    if not console.is_terminal:
        console.print(f"{title} ...")
    with console.status(title) as status:
        yield lambda detail: status.update(f"{title}: {escape(detail[: max(20, console.width - len(title) - 8)])}")
    console.print(f"{title}: done in {time.monotonic() - began:.0f} s")
