from __future__ import annotations

import ast
import re

from models.repositories.invariants import INVARIANTS
from tests.architecture.source import ROOT, project_files, relative
from workers.registry import POOLS

LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")
STEP_ARGUMENT = {"until_done": 1, "mark": 1, "_until_done_or_given_up": 0, "_call_carrier": 0}
"""Where the calls that may park take the name of their step."""
NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_every_link_in_a_document_leads_somewhere() -> None:
    lost = [
        f"{relative(document)} -> {target}"
        for document in project_files()
        if document.suffix == ".md"
        for target in LINK.findall(document.read_text(encoding="utf-8"))
        if not (document.parent / target).exists()
    ]

    assert lost == []


def test_every_test_named_in_a_document_exists() -> None:
    named = [
        (relative(document), *name)
        for document in project_files()
        if document.suffix == ".md"
        for name in NAMED_TEST.findall(document.read_text(encoding="utf-8"))
    ]

    assert named
    assert [one for one in named if one[2] not in _tests_of(one[1])] == []


def _tests_of(path: str) -> set[str]:
    source = ROOT / path
    if not source.exists():
        return set()
    return {
        node.name
        for node in ast.parse(source.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_decision_has_context_decision_and_consequences() -> None:
    decisions = sorted((ROOT / "docs" / "adr").glob("*.md"))

    assert [path.name[:4] for path in decisions] == [
        f"{number:04}" for number in range(1, len(decisions) + 1)
    ]
    for path in decisions:
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# {path.name[:4]} ")
        assert re.findall(r"^\*\*(\w+)\.\*\*", text, flags=re.MULTILINE) == [
            "Context",
            "Decision",
            "Consequences",
        ]


def test_every_invariant_is_numbered_as_in_the_document() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    numbers = {int(number) for number in re.findall(r"^(\d+)\. ", text, flags=re.MULTILINE)}

    assert {invariant.number for invariant in INVARIANTS} <= numbers
    assert numbers == set(range(1, 12))


def test_every_workflow_is_in_the_table_with_its_queue() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = [row.split("|") for row in text.splitlines() if row.startswith("| [")]

    missing = [
        f"{workflow.__name__} on {queue}"
        for queue, pool in POOLS.items()
        for workflow in pool.workflows
        if not any(f"[{workflow.__name__}]" in row[1] and queue in row[3] for row in rows)
    ]

    assert missing == []


def test_every_step_that_parks_is_in_the_table() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text[text.index("## Stepping in") : text.index("**Long runs.**")]
    trees = [
        ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "workflows").glob("*.py")
    ]
    names = {
        target.id: node.value.value
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    steps = {
        str(argument.value if isinstance(argument, ast.Constant) else names[argument.id])
        for tree in trees
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in STEP_ARGUMENT
        for argument in [call.args[STEP_ARGUMENT[call.func.attr]]]
        if isinstance(argument, ast.Constant)
        or (isinstance(argument, ast.Name) and argument.id in names)
    }

    assert "carrier booking" in steps
    assert sorted(step for step in steps if step not in table) == []
