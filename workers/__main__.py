"""``python -m workers --queues checkout,payments``: one process for some queues."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence

import uvloop

from core.logs import configure_logs
from core.settings import load_settings
from core.telemetry import start_traces
from workers.runtime import run
from workflows.task_queues import TaskQueue


def main() -> None:
    """Run until SIGTERM or SIGINT, drain, and leave."""
    parser = argparse.ArgumentParser(prog="perdure worker")
    parser.add_argument("--queues", required=True, type=_queues, help="comma-separated")
    queues: list[TaskQueue] = parser.parse_args().queues
    settings = load_settings()
    configure_logs(settings, service="worker")
    flush_traces = start_traces(settings, service="worker")
    status = 0
    try:
        uvloop.run(_run_until_signal(queues))
    except Exception:
        logging.getLogger(__name__).exception("the worker stops")
        status = 1
    flush_traces()
    sys.stdout.flush()
    sys.stderr.flush()
    # On Python 3.11 a process with a Temporal client can abort at interpreter exit.
    os._exit(status)


async def _run_until_signal(queues: Sequence[TaskQueue]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run(load_settings(), queues, stop)


def _queues(text: str) -> list[TaskQueue]:
    try:
        return [TaskQueue(name.strip()) for name in text.split(",")]
    except ValueError as error:
        known = ", ".join(TaskQueue)
        raise argparse.ArgumentTypeError(f"{error}; known queues: {known}") from error


if __name__ == "__main__":
    main()
