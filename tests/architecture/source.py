"""The project's own files, for rules that are tests."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
GENERATED = "models/migrations/versions/"
"""Alembic writes these; people only correct them."""


@cache
def project_files() -> tuple[Path, ...]:
    """Every file that is, or would be, in the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],  # noqa: S607  # any git will do
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = (ROOT / name for name in listed.split("\0") if name)
    return tuple(path for path in paths if path.is_file())


def python_files(*packages: str) -> Iterator[Path]:
    """Python files of the project, or of some of its top-level packages."""
    for path in project_files():
        name = relative(path)
        wanted = not packages or name.split("/", 1)[0] in packages
        if wanted and path.suffix == ".py" and not name.startswith(GENERATED):
            yield path


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))
