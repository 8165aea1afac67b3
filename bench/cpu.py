"""What work has cost a process: a figure that a busy machine blurs less than the clock."""

from contextlib import suppress

import psutil


def cpu_s(process: psutil.Process | None = None) -> float:
    """Seconds of CPU that a process, or this one, and what it started, ended or not, have used."""
    of = process or psutil.Process()
    times = [of.cpu_times()]
    for child in of.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            times.append(child.cpu_times())
    return float(sum(one.user + one.system + one.children_user + one.children_system for one in times))
