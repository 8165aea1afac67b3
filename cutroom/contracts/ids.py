"""Ids: a prefix that names the kind, and a UUIDv7, so that ids sort by the time they were made."""

from typing import Literal

Prefix = Literal[
    "cmp",
    "sum",
    "gen",
    "clp",
    "ast",
    "upl",
    "org",
    "mem",
    "tok",
    "whe",
    "evt",
    "dlv",
    "grt",
    "art",
    "out",
    "fnd",
    "req",
    "quo",
    "adj",
    "rfd",
]


def new_id(prefix: Prefix) -> str:
    """A fresh id such as `cmp_0192f0c1b7d87c3e8f0e2b6f0a1c2d3e`. Not for workflow code."""
    from uuid_utils import uuid7

    return f"{prefix}_{uuid7().hex}"


def workflow_id(kind: str, entity_id: str) -> str:
    """`campaign`, `cmp_...` -> `campaign/cmp_...`."""
    return f"{kind}/{entity_id}"
