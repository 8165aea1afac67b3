"""Measures calls to other servers: how long they took, and whether they answered."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from cutroom.errors import Unreachable
from cutroom.telemetry.metrics import CALL_SECONDS


@contextmanager
def measured(service: str, operation: str) -> Iterator[None]:
    """Count the body as one call. A refusal is an answer; a call that was canceled meanwhile does not count."""
    began = time.perf_counter()
    try:
        yield
    except Unreachable:
        outcome = "unreachable"
        raise
    except Exception:
        outcome = "refused"
        raise
    except BaseException:
        outcome = ""
        raise
    else:
        outcome = "ok"
    finally:
        if outcome:
            CALL_SECONDS.labels(service, operation, outcome).observe(time.perf_counter() - began)
