"""What the stand-in remembers, in one SQLite file: objects, answers by idempotency key, events that are still to be sent.

One request is one transaction: what it made, its answer and its events are there together after a power cut, or not at all.
"""

import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cutroom.local.cards.forms import Refusal, missing
from cutroom.local.cards.shapes import Body

_SCHEMA = """
    create table if not exists objects (
        number integer primary key, id text not null, livemode int not null, kind text not null, body text not null,
        unique (livemode, id)
    );
    create index if not exists objects_by_kind on objects (livemode, kind, number);
    create table if not exists answers (
        livemode int, key text, request text not null, status int not null, body text not null, at real not null,
        primary key (livemode, key)
    );
    create table if not exists deliveries (event text primary key, body text not null, tries int not null, next_at real not null);
"""
# https://docs.stripe.com/api/idempotent_requests: keys are forgotten once they are at least a day old.
KEYS_LIVE_S = 24 * 3600.0


class State:
    """Everything of one mode goes by `livemode`; the modes never see each other."""

    def __init__(self, file: Path, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._db = sqlite3.connect(file, isolation_level=None)
        self._db.executescript(f"pragma journal_mode = wal; pragma synchronous = full; {_SCHEMA}")

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")

    @property
    def now(self) -> int:
        return int(self.clock())

    def new_id(self, prefix: str) -> str:
        return f"{prefix}_{secrets.token_hex(12)}"

    def put(self, livemode: bool, body: Body) -> Body:
        """Keep an object, new or changed."""
        self._db.execute(
            "insert into objects (id, livemode, kind, body) values (?, ?, ?, ?)"
            " on conflict (livemode, id) do update set body = excluded.body",
            (body["id"], livemode, body["object"], json.dumps(body)),
        )
        return body

    def find(self, livemode: bool, kind: str, id: str) -> Body | None:
        row = self._db.execute(
            "select body from objects where livemode = ? and kind = ? and id = ?", (livemode, kind, id)
        ).fetchone()
        return dict(json.loads(row[0])) if row else None

    def get(self, livemode: bool, kind: str, id: str) -> Body:
        """Raises Refusal (`resource_missing`)."""
        found = self.find(livemode, kind, id)
        if found is None:
            raise missing(kind)
        return found

    def all(self, livemode: bool, kind: str) -> Iterator[Body]:
        """Newest first."""
        rows = self._db.execute("select body from objects where livemode = ? and kind = ? order by number desc", (livemode, kind))
        for (body,) in rows.fetchall():
            yield json.loads(body)

    def answer_of(self, livemode: bool, key: str, request: str) -> tuple[int, Any] | None:
        """What was answered under this key. Raises Refusal (`idempotency_error`) where another request used it."""
        row = self._db.execute(
            "select request, status, body from answers where livemode = ? and key = ? and at > ?",
            (livemode, key, self.clock() - KEYS_LIVE_S),
        ).fetchone()
        if row is None:
            return None
        if row[0] != request:
            message = "Keys for idempotent requests can only be used with the same parameters they were first used with."
            raise Refusal(400, "idempotency_error", message)
        return row[1], json.loads(row[2])

    def keep_answer(self, livemode: bool, key: str, request: str, status: int, body: Any) -> None:
        values = (livemode, key, request, status, json.dumps(body), self.clock())
        self._db.execute("insert or replace into answers values (?, ?, ?, ?, ?, ?)", values)

    def enqueue(self, event: Body) -> None:
        """An event is kept for `GET /v1/events`, and sent."""
        self.put(event["livemode"], event)
        self._db.execute("insert into deliveries values (?, ?, 0, ?)", (event["id"], json.dumps(event), self.clock()))

    def due(self) -> list[tuple[str, str, int]]:
        """Events to be sent now: id, body, how often it was tried."""
        return list(
            self._db.execute("select event, body, tries from deliveries where next_at <= ? order by rowid", (self.clock(),))
        )

    def delivered(self, event_id: str) -> None:
        self._db.execute("delete from deliveries where event = ?", (event_id,))

    def try_again(self, event_id: str, after_s: float) -> None:
        self._db.execute("update deliveries set tries = tries + 1, next_at = ? where event = ?", (self.clock() + after_s, event_id))
