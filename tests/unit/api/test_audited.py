"""Every call by which staff and vendors change something has its name in the audit log."""

from __future__ import annotations

import ast
import re

from tests.architecture.source import parsed, python_files
from tests.policies import POLICIES
from tests.policies.audited import AUDITED
from tests.policies.policy import Door


def _names_in_the_code() -> set[str]:
    """Texts of the form ``thing.deed``; what is put in at run time is a star."""
    found = set()
    for path in python_files():
        if "tests" in path.parts:
            continue
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                found.add(
                    "".join(
                        str(part.value) if isinstance(part, ast.Constant) else "*"
                        for part in node.values
                    )
                )
    return {name for name in found if re.fullmatch(r"[a-z_]+\.[a-z_*]+", name)}


def test_every_effectful_call_of_staff_and_vendors_has_a_line() -> None:
    effectful = {
        name
        for name, policy in POLICIES.items()
        if policy.door in {Door.STAFF, Door.VENDOR, Door.SELLER} and not name.startswith("GET ")
    }

    assert effectful == AUDITED.keys()


def test_every_line_is_written_by_something() -> None:
    written = _names_in_the_code()

    assert {
        action
        for action in AUDITED.values()
        if action not in written
        and not any(
            re.fullmatch(re.escape(name).replace(r"\*", "[a-z_*]+"), action) for name in written
        )
        and not (action.endswith("*") and any(name.startswith(action[:-1]) for name in written))
    } == set()
