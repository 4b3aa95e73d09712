"""``perdure demo``, for the command line to register."""

from __future__ import annotations

import asyncio

from rich.console import Console

from core.settings import load_settings
from deploy.cli.verify import leave
from deploy.demo import command, story


def run_demo(*, orders: int, concurrency: int, seed: int = 1) -> None:
    """Place orders on the platform that the environment names, and leave with the exit code.

    Raises:
        StackError: the API does not answer, or sells nothing.
    """
    console = Console(highlight=False)
    leave(
        asyncio.run(
            command(
                load_settings(), orders=orders, concurrency=concurrency, seed=seed, console=console
            )
        )
    )


def run_story() -> None:
    """Tell the life of one order on the same platform, and leave with the exit code.

    Raises:
        StackError: the platform has no sandbox, or does not answer.
    """
    console = Console(highlight=False)
    leave(asyncio.run(story.command(load_settings(), console=console)))
