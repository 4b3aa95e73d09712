"""Every activity is run twice by a test: Temporal may run it again, after a reset too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from unittest.mock import MagicMock

from core.settings import Settings
from tests.architecture.source import ROOT
from workers.registry import POOLS, activities_of

FOLDER = ROOT / "tests" / "integration" / "activities"
COUNTS_WHAT_IT_DID = {
    # A second beginning gives up the first rebuild, and its handle is another.
    "begin_rebuild": ROOT / "tests" / "integration" / "activities" / "test_index.py",
    "keep_up": ROOT / "tests" / "integration" / "activities" / "test_index.py",
    "poll_provider": ROOT / "tests" / "integration" / "activities" / "test_event_poll.py",
    "tidy": ROOT / "tests" / "workflows" / "test_written_first.py",
}
"""The second run has nothing left to do and says so: these tests look at that."""


def activities() -> set[str]:
    """The names of all activities that a pool runs."""
    resources = MagicMock(settings=Settings(_env_file=None))
    return {
        activity.__name__
        for pool in POOLS.values()
        for activity in activities_of(pool.activities(resources))
    }


def run_twice() -> Iterator[str]:
    """The names of what the tests give to ``twice``."""
    for path in FOLDER.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and _name(node.func) == "twice" and node.args:
                yield _name(node.args[0])


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def test_every_activity_is_run_twice_by_a_test() -> None:
    assert activities() - set(run_twice()) - set(COUNTS_WHAT_IT_DID) == set()


def test_what_counts_its_deeds_is_named_in_its_test() -> None:
    for name, path in COUNTS_WHAT_IT_DID.items():
        assert path.read_text().count(name) > 1, name
