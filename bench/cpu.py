"""What work has cost this process: a figure that a busy machine blurs less than the clock."""

import resource


def cpu_s() -> float:
    """Seconds of CPU that this process and its ended children have used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)
