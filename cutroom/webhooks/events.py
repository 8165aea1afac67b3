"""The events that an endpoint can ask for, and what is sent of one. Pure.

The body has the shape of Standard Webhooks 1.0: `{type, timestamp, data}`, with ids, states and numbers as data.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cutroom.contracts.jobs import TERMINAL

ALL = "*"
PING = "webhook.ping"
DISABLED = "webhook.disabled"
ATTENTION = "job.attention"
CLIP_READY = "clip.ready"
_ENDS = tuple(f"{kind}.{status}" for kind in ("campaign", "summary") for status in sorted(TERMINAL))
EVENTS: tuple[str, ...] = (*_ENDS, CLIP_READY, ATTENTION, DISABLED)


def body_of(type: str, at: datetime, data: Mapping[str, Any]) -> bytes:
    """The bytes that are signed and sent: the same ones at each try."""
    return json.dumps({"type": type, "timestamp": at.isoformat(), "data": data}, separators=(",", ":"), sort_keys=True).encode()
