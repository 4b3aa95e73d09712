"""``perdure verify``, for the command line to register."""

from __future__ import annotations

import asyncio
import os
import sys

from rich.console import Console

from core.settings import load_settings
from deploy.verification import command


def run_verify(*, as_json: bool) -> None:
    """Verify the platform that the environment names, print, and leave with the exit code.

    Raises:
        StackError: a part of the platform does not answer.
    """
    code = asyncio.run(command(load_settings(), as_json=as_json, console=Console(highlight=False)))
    leave(code)


def leave(code: int) -> None:
    """End the process at once: on Python 3.11 the Temporal client may abort a normal exit."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
