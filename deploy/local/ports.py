from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from deploy.local.errors import StackError

LOOPBACK = "127.0.0.1"
AUTO_RANGE = range(20_000, 32_000)
"""Below the ports that the kernel gives to outgoing connections: a restart finds its own free."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Every port of the stack on loopback; the defaults are those of ``core.settings``."""

    api: int = 18_080
    worker_orders: int = 18_081
    worker_payments: int = 18_082
    sandbox: int = 18_090
    smtp: int = 18_025
    postgres: int = 15_432
    valkey: int = 16_379
    temporal: int = 17_233
    temporal_ui: int = 18_233
    temporal_http: int = 18_234
    temporal_metrics: int = 18_235


PORT_NAMES = tuple(field.name for field in fields(Ports))


def is_free(port: int) -> bool:
    """Whether a server could listen on ``port`` of loopback now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Connections in TIME_WAIT do not stop the servers either: all of them set this.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            # On Linux the address may be bound twice with SO_REUSEADDR; listening may not.
            probe.listen(1)
        except OSError:
            return False
    return True


def free_ports(*, keep: Ports | None = None, among: range = AUTO_RANGE) -> Ports:
    """Free ports out of ``among``, those of ``keep`` among them where they still are free."""
    chosen: dict[str, int] = {}
    candidates = iter(random.sample(among, len(among)))
    for name in PORT_NAMES:
        port = getattr(keep, name) if keep else next(candidates)
        while port in chosen.values() or not is_free(port):
            port = next(candidates)
        chosen[name] = port
    return replace(Ports(), **chosen)


def require_free(ports: Ports, names: Iterable[str], *, patience_seconds: float = 0.0) -> None:
    """Check the ports that the local parts will listen on.

    Args:
        ports: all ports of the stack.
        names: those to check.
        patience_seconds: how long a taken port may take to become free.

    Raises:
        StackError: one is taken; the line says by whom.
    """
    deadline = time.monotonic() + patience_seconds
    for name in names:
        port = getattr(ports, name)
        while not is_free(port) and time.monotonic() < deadline:
            time.sleep(0.05)
        if not is_free(port):
            raise StackError(
                f"Port {port} ({name.replace('_', ' ')}) is in use by {owner_of(port)}",
                hint="Stop it, or start with --ports auto to choose free ports.",
            )


def owner_of(port: int) -> str:
    """The process that listens on ``port``, in words."""
    import psutil  # noqa: PLC0415  # only a failed start pays for the import

    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return "another process"
    for connection in connections:
        listens = connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,)
        if listens and connection.pid:
            try:
                command = " ".join(psutil.Process(connection.pid).cmdline())
            except psutil.Error:
                command = "a process that just ended"
            return f"process {connection.pid} ({command[:80]})"
    return "a process of another user"
