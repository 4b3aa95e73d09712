from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

import pytest

from tests.architecture.source import parsed, python_files, relative

ALLOWED_ROOTS = {"workflows", "core", "temporalio", *sys.stdlib_module_names}
NOT_REPEATABLE = {
    "http", "multiprocessing", "os", "pathlib", "random", "secrets", "shutil", "socket", "sqlite3",
    "ssl", "subprocess", "tempfile", "threading", "time", "urllib", "uuid",
}  # fmt: skip
"""Parts of the standard library that give another answer when a history is replayed."""

NOT_REPEATABLE_CALLS = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "datetime.datetime.now",
    "datetime.date.today", "time.time", "time.monotonic", "time.sleep", "uuid4", "uuid.uuid4",
    "new_id", "ids.new_id", "open", "input", "print", "asyncio.run", "asyncio.to_thread",
    "hash", "id",
}  # fmt: skip

IMPORTS = """
import os
from random import random
import httpx
from core.database import Database
from core.domain.money import Money
import asyncio
from workflows import policies
"""


def imported_modules(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def is_allowed(module: str) -> bool:
    root = module.split(".", 1)[0]
    if root == "core":
        return module == "core.domain" or module.startswith("core.domain.")
    return root in ALLOWED_ROOTS and root not in NOT_REPEATABLE


def called_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


def test_rule_tells_the_forbidden_imports_from_the_allowed_ones() -> None:
    refused = [name for name in imported_modules(ast.parse(IMPORTS)) if not is_allowed(name)]

    assert refused == ["os", "random", "httpx", "core.database"]


def test_workflows_import_only_what_a_replay_repeats() -> None:
    assert [
        f"{relative(path)} imports {module}"
        for path in python_files("workflows")
        for module in imported_modules(parsed(path))
        if not is_allowed(module)
    ] == []


def test_domain_imports_only_itself_and_the_standard_library() -> None:
    assert [
        f"{relative(path)} imports {module}"
        for path in python_files("core")
        if relative(path).startswith("core/domain/")
        for module in imported_modules(parsed(path))
        if not module.startswith("core.domain")
        and module.split(".", 1)[0] not in sys.stdlib_module_names
    ] == []


def test_workflows_take_time_ids_and_chance_from_temporal_alone() -> None:
    assert [
        f"{relative(path)}:{line} calls {name}"
        for path in python_files("workflows")
        for line, name in called_names(parsed(path))
        if name in NOT_REPEATABLE_CALLS or name.startswith(("random.", "secrets.", "os."))
    ] == []


@pytest.mark.parametrize(
    "call",
    ["datetime.now(UTC)", "time.time()", "uuid4()", "new_id(Prefix.ORDER)", "random.random()"],
)
def test_rule_sees_a_call_that_cannot_be_repeated(call: str) -> None:
    ((_, name),) = list(called_names(ast.parse(call)))

    assert name in NOT_REPEATABLE_CALLS or name.startswith("random.")
