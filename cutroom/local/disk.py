"""Room on a disk: looked for before something large is written, and said plainly where it ends all the same."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cutroom.errors import SetupError
from cutroom.settings import MIB

_SPARE = 64 * MIB


@contextmanager
def room_for(needed: int, folder: Path) -> Iterator[None]:
    """Raises SetupError (`disk_too_small`) where `needed` bytes do not fit into `folder`, or the disk fills up in the body."""
    if shutil.disk_usage(folder).free < needed + _SPARE:
        raise _too_small(needed, folder)
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise _too_small(needed, folder) from error


def _too_small(needed: int, folder: Path) -> SetupError:
    detail = f"About {needed / MIB:.0f} MiB are needed in {folder}; free some space there, or choose another disk."
    return SetupError(detail, code="disk_too_small")
