"""Every event that the platform promises to tell is told by somebody."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from core.domain.events import OrderEvent
from tests.architecture.source import python_files

WRITERS = ("activities", "api", "models")


def written() -> Iterator[str]:
    """The names of the events in the code, apart from those that are only compared with."""
    for path in python_files(*WRITERS):
        tree = ast.parse(path.read_text())
        compared = {
            id(part)
            for node in ast.walk(tree)
            if isinstance(node, ast.Compare)
            for part in ast.walk(node)
        }
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == OrderEvent.__name__
                and id(node) not in compared
            ):
                yield node.attr


def test_every_event_is_written_somewhere() -> None:
    assert {event.name for event in OrderEvent} - set(written()) == set()
