"""What runs, about how long it will take and how long it has taken, on stderr: a bench is long and its figures come late."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

EVERY_S = 60.0


@contextmanager
def telling(what: str, about_s: float) -> Iterator[None]:
    """Told as the body begins, each minute while it runs, and as it ends, well or not."""
    began, ended = time.monotonic(), threading.Event()

    def passed() -> str:
        return duration(time.monotonic() - began)

    def tell() -> None:
        while not ended.wait(EVERY_S):
            print(f"  {what}: {passed()} so far", file=sys.stderr, flush=True)

    print(f"{what}: about {duration(about_s)} on two cores", file=sys.stderr, flush=True)
    thread = threading.Thread(target=tell)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        print(f"  {what}: {passed()}", file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
