"""The whole stack of one machine: which processes there are, in which order, and what each may know.

A part that settings give an outside address to is not started. Each process gets the secrets of its row in `PROCESSES` and no
other; the migrations alone use the owner's URL.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import httpx
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from cutroom.errors import SetupError
from cutroom.local import temporal as temporal_module
from cutroom.local.cards.server import CardServer
from cutroom.local.home import Home, write_private
from cutroom.local.leash import leashed
from cutroom.local.locks import is_running, only_stack
from cutroom.local.organisation import ensure_organisation
from cutroom.local.ports import free_port, require_free
from cutroom.local.postgres import Postgres
from cutroom.local.progress import step
from cutroom.local.s3 import S3
from cutroom.local.supervisor import Part, Supervisor
from cutroom.local.temporal import Temporal
from cutroom.local.tools import TEMPORAL, VERSITYGW, ensure
from cutroom.money.cards import LIVE_KEYS
from cutroom.settings import Settings
from cutroom.store.migrate import upgrade

_STORE = ("s3_access_key", "s3_secret_key")
_CARDS = ("stripe_live_key", "stripe_test_key")
PROCESSES: dict[str, tuple[list[str], tuple[str, ...]]] = {
    # name: (arguments of `python -m`, the secret settings it gets)
    "api": (["api"], ("database_url", "database_system_url", "temporal_api_key", *_CARDS, "stripe_webhook_secrets", *_STORE)),
    "control": (["worker_cpu", "control"], ("database_url", "database_system_url", "temporal_api_key", *_STORE)),
    "outbound": (
        ["worker_cpu", "outbound"],
        ("database_url", "temporal_api_key", "language_api_key", "smtp_url", *_CARDS, *_STORE),
    ),
    "media": (["worker_cpu", "media"], ("database_url", "temporal_api_key", *_STORE)),
    "gpu": (["worker_gpu"], ("database_url", "temporal_api_key", *_STORE)),
}
WORKERS = ("control", "outbound", "media", "gpu")
_ADDRESSES = ("home", "s3_endpoint", "temporal_address", "stripe_url")
CANCEL_S = 5.0  # after its drain: a canceled step says so, and is tried again at the next start


@dataclass
class Stack:
    """A running stack. `settings` has every address and secret filled in; `token` is the local organisation's."""

    settings: Settings
    addresses: dict[str, str]
    supervisor: Supervisor = field(repr=False)
    token: str = field(default="", repr=False)

    def table(self) -> Table:
        """The addresses, for people."""
        table = Table("part", "address", title="Cutroom is up", title_justify="left")
        for name, address in self.addresses.items():
            table.add_row(name, address)
        table.add_row("logs", str(self.settings.home / "logs"))
        table.add_row("token", str(Home(self.settings.home).token_file))
        return table


@asynccontextmanager
async def running(settings: Settings, console: Console) -> AsyncIterator[Stack]:
    """Starts the stack, keeps it while the body runs, and ends it. SIGINT, SIGTERM and SIGHUP cancel the body.

    Raises SetupError where it was given a live key of Stripe's, a port is taken, a stack already runs in this home, a program
    cannot be had, or a part does not start. Use it from the main thread: the processes die with the thread that started them.
    """
    require_no_live_key(settings)
    home = Home.at(settings.home)
    with only_stack(home) as lock, _signals_cancel():
        filled = with_embedded(settings, home)
        embedded = await asyncio.to_thread(servers, settings, home, console)
        supervisor = Supervisor(home, lock, lambda: _write_run(home, stack))
        stack = Stack(filled, _addresses(filled, settings), supervisor)
        try:
            if embedded:
                with step(console, f"Starting {', '.join(part.name for part in embedded)}"):
                    await supervisor.start(*embedded)
            with step(console, "Bringing the database up to date"):
                stack.token = await _prepare_database(filled, home)
            with step(console, "Starting the API and the workers"):
                await supervisor.start(*(_process(name, filled, home) for name in PROCESSES))
            yield stack
        finally:
            await supervisor.stop()
            home.run_file.unlink(missing_ok=True)


@asynccontextmanager
async def storage(settings: Settings, home: Home, lock: int, console: Console) -> AsyncIterator[Settings]:
    """The PostgreSQL and the S3 gateway of a home whose stack does not run, alone, on free ports; yields settings with these.

    `lock`: what `only_stack` yields. Raises SetupError where one of them does not start. Use it from the main thread.
    """
    ports = {f"{name}_port": free_port() for name in ("api", "postgres", "temporal", "temporal_ui", "s3", "cards")}
    apart = settings.model_copy(update=ports | {"metrics_port": 0})
    supervisor = Supervisor(home, lock, lambda: None)
    parts = await asyncio.to_thread(servers, apart, home, console)
    try:
        await supervisor.start(*(part for part in parts if part.name in ("postgres", "s3")))
        yield with_embedded(apart, home)
    finally:
        await supervisor.stop()


def with_embedded(settings: Settings, home: Home) -> Settings:
    """`settings` with the addresses and secrets of this home's embedded parts wherever no outside one is named."""
    filled: dict[str, Any] = {"home": home.path}
    if not settings.database_url.get_secret_value():
        server = embedded_postgres(settings, home)
        for name, role in (("database_url", "app"), ("database_system_url", "system"), ("database_owner_url", "owner")):
            filled[name] = SecretStr(server.url(role))
    elif not settings.database_system_url.get_secret_value():
        raise SetupError("CUTROOM_DATABASE_URL names an outside database; set CUTROOM_DATABASE_SYSTEM_URL too.")
    if not settings.smtp_url.get_secret_value():
        filled["smtp_url"] = SecretStr((home.path / "mail").as_uri())
    if not settings.temporal_address:
        filled["temporal_address"] = f"127.0.0.1:{settings.temporal_port}"
    if not settings.s3_endpoint:
        filled["s3_endpoint"] = f"http://127.0.0.1:{settings.s3_port}"
        filled["s3_access_key"] = SecretStr(home.secrets().s3_access_key)
        filled["s3_secret_key"] = SecretStr(home.secrets().s3_secret_key)
    if not pays_elsewhere(settings):
        cards = embedded_cards(settings, home)
        filled["stripe_url"] = cards.url
        for name, secret in (("live_key", cards.live_key), ("test_key", cards.test_key), ("webhook_secrets", cards.hook_secret)):
            filled[f"stripe_{name}"] = SecretStr(secret)
    return settings.model_copy(update=filled)


def pays_elsewhere(settings: Settings) -> bool:
    """Whether settings name a Stripe, by a key, so that no stand-in is needed."""
    return bool(settings.stripe_live_key.get_secret_value() or settings.stripe_test_key.get_secret_value())


def require_no_live_key(settings: Settings) -> None:
    """Raises SetupError (`card_key_live`): a stack on somebody's own machine must never charge anybody."""
    keys = (settings.stripe_live_key.get_secret_value(), settings.stripe_test_key.get_secret_value())
    if any(key.startswith(LIVE_KEYS) for key in keys):
        raise SetupError(
            "A live key of Stripe's would charge real cards from this machine. Take CUTROOM_STRIPE_LIVE_KEY away: "
            "without a key a stand-in takes test cards, with CUTROOM_STRIPE_TEST_KEY=sk_test_... Stripe's test mode does.",
            code="card_key_live",
        )


def read_run(home: Home) -> dict[str, Any] | None:
    """The stack that runs in this home: {pid, addresses{}, parts{name: {pid, restarts, healthy}}}; None where none runs."""
    if not home.run_file.exists() or not is_running(home):
        return None
    return dict(json.loads(home.run_file.read_text()))


def environment(name: str, settings: Settings, home: Home) -> dict[str, str]:
    """What a process of ours may see: the caller's environment less every secret setting, plus the secrets of its row."""
    secret = {f"CUTROOM_{key}".upper() for key, value in Settings.model_fields.items() if value.annotation is SecretStr}
    result = {key: value for key, value in os.environ.items() if key.upper() not in secret}
    for key in (*_ADDRESSES, *PROCESSES[name][1]):
        value = getattr(settings, key)
        result[f"CUTROOM_{key}".upper()] = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    if name in WORKERS:
        result["CUTROOM_METRICS_PORT"] = str(metrics_port(settings, name))
    return result | {"CUTROOM_READY_FILE": str(home.ready_file(name)), "PYTHONUNBUFFERED": "1"}


def metrics_port(settings: Settings, worker: str) -> int:
    """Where a worker of this stack serves its metrics; 0: nowhere."""
    return settings.metrics_port and settings.metrics_port + WORKERS.index(worker)


def servers(settings: Settings, home: Home, console: Console) -> list[Part]:
    """The embedded servers that no setting replaces (postgres, temporal, s3, cards), their programs and ports looked after."""
    require_free(settings.api_port, "the API", "CUTROOM_API_PORT")
    for worker in WORKERS:
        require_free(metrics_port(settings, worker), f"the metrics of {worker}", "CUTROOM_METRICS_PORT")
    parts = []
    if not settings.database_url.get_secret_value():
        require_free(settings.postgres_port, "PostgreSQL", "CUTROOM_POSTGRES_PORT")
        postgres = embedded_postgres(settings, home)
        if postgres.home != postgres.folder:
            console.print(
                f"PostgreSQL does not run as root, and its account cannot reach {home.path}: its data is in {postgres.home}."
            )
        parts.append(_part("postgres", postgres, {"PATH": os.defpath}, signal.SIGINT))
    if not settings.temporal_address:
        require_free(settings.temporal_port, "Temporal", "CUTROOM_TEMPORAL_PORT")
        require_free(settings.temporal_ui_port, "the Temporal UI", "CUTROOM_TEMPORAL_UI_PORT")
        binary = ensure(TEMPORAL, console)
        temporal = Temporal(binary, home.folder("temporal"), settings.temporal_port, settings.temporal_ui_port)
        parts.append(_part("temporal", temporal, temporal_module.environment()))
    if not settings.s3_endpoint:
        require_free(settings.s3_port, "the S3 gateway", "CUTROOM_S3_PORT")
        secrets = home.secrets()
        keys = (secrets.s3_access_key, secrets.s3_secret_key)
        gateway = S3(ensure(VERSITYGW, console), home.folder("s3"), settings.s3_port, *keys, settings.s3_bucket)
        parts.append(_part("s3", gateway, gateway.environment()))
    if not pays_elsewhere(settings):
        require_free(settings.cards_port, "the stand-in for Stripe", "CUTROOM_CARDS_PORT")
        cards = embedded_cards(settings, home)
        parts.append(_part("cards", cards, cards.environment()))
    return parts


def _part(
    name: str,
    server: Postgres | Temporal | S3 | CardServer,
    variables: dict[str, str],
    stop_signal: signal.Signals = signal.SIGTERM,
) -> Part:
    return Part(name, server.command, variables, server.healthy, server.prepare, server.finish, stop_signal)


def _process(name: str, settings: Settings, home: Home) -> Part:
    ready = home.ready_file(name)
    healthy = (lambda: _api_answers(settings)) if name == "api" else ready.exists
    return Part(
        name=name,
        command=lambda: leashed([sys.executable, "-m", *PROCESSES[name][0]]),
        environment=environment(name, settings, home),
        healthy=healthy,
        prepare=lambda: ready.unlink(missing_ok=True),
        stop_s=settings.drain_s + CANCEL_S,
    )


def embedded_postgres(settings: Settings, home: Home) -> Postgres:
    """The PostgreSQL of this home."""
    return Postgres(home.path / "postgres", settings.postgres_port, home.secrets())


def embedded_cards(settings: Settings, home: Home) -> CardServer:
    """The stand-in for Stripe of this home."""
    secrets = home.secrets()
    keys = (secrets.card_live_key, secrets.card_test_key, secrets.card_hook_secret)
    return CardServer(home.path / "cards", settings.cards_port, settings.api_port, *keys)


def _api_answers(settings: Settings) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{settings.api_port}/healthz", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


async def _prepare_database(settings: Settings, home: Home) -> str:
    """Migrations (skipped where no owner's URL is given), then the local organisation; returns its token."""
    if owner_url := settings.database_owner_url.get_secret_value():
        await asyncio.to_thread(upgrade, owner_url)
    return await ensure_organisation(settings.database_system_url.get_secret_value(), home.token_file)


def _addresses(filled: Settings, settings: Settings) -> dict[str, str]:
    """Where each part is found; an outside database only by name, for its URL holds a password."""
    api = filled.api_url or f"http://127.0.0.1:{filled.api_port}"
    result = {"api": api, "docs": f"{api}/docs", "temporal": filled.temporal_address, "s3": filled.s3_endpoint}
    if not settings.temporal_address:
        result["temporal-ui"] = f"http://127.0.0.1:{filled.temporal_ui_port}"
    result["cards"] = filled.stripe_url or "Stripe"
    outside = settings.database_url.get_secret_value()
    result["postgres"] = "outside, by settings" if outside else f"127.0.0.1:{filled.postgres_port}"
    return result


def _write_run(home: Home, stack: Stack) -> None:
    parts = {name: asdict(state) for name, state in stack.supervisor.states.items()}
    write_private(home.run_file, json.dumps({"pid": os.getpid(), "addresses": stack.addresses, "parts": parts}, indent=2))


@contextmanager
def _signals_cancel() -> Iterator[None]:
    """While the body runs, a signal to end cancels the current task, so that everything is ended in order."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, task.cancel)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
