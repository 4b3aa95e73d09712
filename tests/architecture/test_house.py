from __future__ import annotations

import ast
import re

import pytest

from tests.architecture.source import parsed, project_files, python_files, relative

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc"}

# Written in pieces, so that this file does not break its own rule.
FOREIGN = {
    "a path of somebody's machine": re.compile(
        r"(?<![\w.:-])/(?:"
        + "|".join(("wo" + "rk", "ro" + "ot", "ho" + "me", "Use" + "rs"))
        + r")/\w"
    ),
    "a temporary folder of somebody": re.compile("/" + "tmp/" + "wt"),
    "the host of a package registry": re.compile(
        "|".join(("py" + r"pi\.org", "python" + r"hosted\.org", "npm" + r"js\.org"))
    ),
    "an address of a package index": re.compile(r"--(?:extra-)?index" + "-url"),
}


def test_no_file_or_package_has_a_name_that_says_nothing() -> None:
    assert [
        relative(path)
        for path in python_files()
        if NAMES_THAT_SAY_NOTHING & {path.stem, *path.relative_to(path.anchor).parts[-2:-1]}
    ] == []


def test_every_file_fits_a_small_room() -> None:
    lengths = {relative(path): len(path.read_text().splitlines()) for path in python_files()}

    assert {name: lines for name, lines in lengths.items() if lines > MAX_FILE_LINES} == {}


def test_every_function_fits_on_a_page() -> None:
    too_long = {
        f"{relative(path)}:{node.lineno} {node.name}": lines
        for path in python_files()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > MAX_FUNCTION_LINES
    }

    assert too_long == {}


@pytest.mark.parametrize(("what", "pattern"), FOREIGN.items(), ids=list(FOREIGN))
def test_no_file_names_what_belongs_to_one_machine(what: str, pattern: re.Pattern[str]) -> None:
    found = []
    for path in project_files():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        found += [
            f"{relative(path)}:{number} has {what}"
            for number, line in enumerate(lines, start=1)
            if pattern.search(line)
        ]

    assert found == []


def test_top_level_is_the_fixed_one() -> None:
    top = {relative(path).split("/", 1)[0] for path in project_files()}
    packages = {
        "activities", "api", "core", "deploy", "docs", "models", "search", "tests", "workers",
        "workflows",
    }  # fmt: skip
    files = {"Makefile", "README.md", "pyproject.toml", "requirements.lock"}

    assert {name for name in top if not name.startswith(".")} <= packages | files
