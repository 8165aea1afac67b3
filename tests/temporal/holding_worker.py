"""`python -m tests.temporal.holding_worker ADDRESS QUEUE FOLDER DRAIN_S`: a worker whose one step lasts until it is let go.

The step leaves a file `ATTEMPT-WORKFLOW.begun` in FOLDER, ends once there is a file `let-go`, and leaves `...canceled`
where it is canceled before. Its answer is [pid, attempt].
"""

import asyncio
import os
import sys
from pathlib import Path

from temporalio import activity
from temporalio.client import Client

from cutroom.settings import Settings
from cutroom.temporal.worker import make_worker, run_until_stopped


async def main(address: str, queue: str, folder: Path, drain_s: float) -> None:
    @activity.defn
    async def hold() -> list[int]:
        info = activity.info()
        begun = folder / f"{info.attempt}-{info.workflow_id}.begun"
        begun.touch()
        try:
            while not (folder / "let-go").exists():
                activity.heartbeat()
                await asyncio.sleep(0.1)
        except asyncio.CancelledError:
            begun.with_suffix(".canceled").touch()
            raise
        return [os.getpid(), info.attempt]

    worker = make_worker(await Client.connect(address), queue, [hold], drain_s=drain_s)
    await run_until_stopped(worker, queue, Settings(metrics_port=0))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), float(sys.argv[4])))
    # A thread of the SDK may still be busy when Python is taken down, and then aborts the process; the real workers have
    # more to close, and are never that fast.
    os._exit(0)
