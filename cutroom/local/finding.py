"""What `cutroom doctor` says of one part."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "missing"]


@dataclass(frozen=True)
class Finding:
    """state: ok, warning (it works, less well), missing (it does not work). `used`: embedded, outside, or what stands in."""

    part: str
    state: State
    used: str
    source: str = ""
    version: str = ""
    advice: str = ""
