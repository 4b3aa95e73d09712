"""The data directory that commands name, and the environment of the stack that runs in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from deploy.local.addresses import environment_with_file, stack_environment
from deploy.local.data_directory import DataDirectory
from deploy.local.state import StackState, read_state

DataDir = Annotated[
    Path,
    typer.Option("--data-dir", envvar="PERDURE_DATA_DIR", help="Where the stack keeps its data."),
]
DEFAULT_DATA_DIR = Path(".perdure")


def directory_of(data_dir: Path) -> DataDirectory:
    return DataDirectory(path=data_dir.resolve())


def running_state(directory: DataDirectory) -> StackState | None:
    """Return what runs in the directory, if something does."""
    return read_state(directory.state_file) if directory.is_locked() else None


def use_stack(data_dir: Path) -> None:
    """Make this process use the running stack; what the person set in the environment wins."""
    state = running_state(directory_of(data_dir))
    of_stack = stack_environment(state.addresses) if state else {}
    os.environ.update(of_stack | environment_with_file(os.environ))
