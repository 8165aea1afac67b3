"""Ports on loopback: free ones, and who holds a taken one."""

import random
import socket

import psutil

from cutroom.errors import SetupError

_given: set[int] = set()  # by this process, so that what is named but not yet listened on is not named twice


def free_port(in_a_row: int = 1) -> int:
    """The first of so many ports that nobody listens on, and that were not given before.

    They lie below those that the kernel gives to outgoing connections, so they are likely to stay free.
    """
    while True:
        first = random.SystemRandom().randrange(20_000, 32_000)
        ports = set(range(first, first + in_a_row))
        if not ports & _given and not any(holder(port) for port in ports):
            _given.update(ports)
            return first


def holder(port: int) -> str | None:
    """Who listens on `port` of loopback, as a person would name it; None where it is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return _process_on(port) or "another process"
    return None


def answers(host: str, port: int) -> bool:
    """Whether somebody takes connections there, within two seconds."""
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError:
        return False
    return True


def require_free(port: int, what: str, setting: str) -> None:
    """Raises SetupError, naming the setting that moves `what`, where `port` is taken."""
    if who := holder(port):
        raise SetupError(
            f"Port {port}, meant for {what}, is taken by {who}. End it, or set {setting} to a free port.", code="port_taken"
        )


def _process_on(port: int) -> str | None:
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        return None
    return None
