from __future__ import annotations

from functools import partial
from pathlib import Path

from deploy.local.part import Part
from deploy.local.probes import redis_pong
from deploy.local.wheels import valkey_program


def valkey_part(*, directory: Path, port: int) -> Part:
    """Valkey on loopback, its append-only file in ``directory``."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(directory),
        "appendonly": "yes",
        "save": "",
    }
    arguments = tuple(word for name, value in options.items() for word in (f"--{name}", value))
    return Part(
        name="valkey",
        argv=(str(valkey_program()), *arguments),
        ready=partial(redis_pong, "127.0.0.1", port),
    )
