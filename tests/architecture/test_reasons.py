from __future__ import annotations

import io
import re
import tokenize

import pytest

from tests.architecture.source import ROOT, python_files, relative

EXCEPTION = re.compile(r"#\s*(?:noqa|type:\s*ignore|fmt:\s*off|pragma|pylint|mypy:)")
NAMED = re.compile(
    r"#\s*(?:noqa:\s*(?P<rule>[A-Z]+\d+)(?:,\s*[A-Z]+\d+)*|type:\s*ignore\[[\w-]+(?:,\s*[\w-]+)*\])"
    r"(?P<reason>\s+[#-]\s+\S.*)?"
)
NEARBY_LINES = 3
"""A reason stands in the same comment, or in one so close above that it is read with it."""


def silent_exceptions(source: str) -> list[int]:
    """Lines with an exception to a rule that names no rule, or for which nobody gives a reason."""
    reasons: set[int] = set()
    silent: list[int] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        line = token.start[0]
        if not EXCEPTION.search(token.string):
            reasons.add(line)
            continue
        named = NAMED.search(token.string)
        nearby = reasons & set(range(line - NEARBY_LINES, line))
        if named and (named["reason"] or nearby):
            reasons.add(line)
        else:
            silent.append(line)
    return silent


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("x = 1  # noqa", [1]),
        ("x = 1  # noqa: S608", [1]),
        ("x = 1  # noqa: S608  # fixed names", []),
        ("x = 1  # noqa: S608 - fixed names", []),
        ("# Only constants.\nx = 1  # noqa: S608\ny = 2  # noqa: S608", []),
        ("# Something far away.\n\n\n\nx = 1  # noqa: S608", [5]),
        ("x = 1  # type: ignore", [1]),
        ("x = 1  # type: ignore[assignment]", [1]),
        ("x = 1  # type: ignore[assignment]  # the plugin is wrong", []),
        ("# fmt: off", [1]),
    ],
)
def test_rule_tells_reasoned_exceptions_from_silent_ones(source: str, lines: list[int]) -> None:
    assert silent_exceptions(source) == lines


def test_every_exception_to_a_rule_names_the_rule_and_the_reason() -> None:
    silent = [
        f"{relative(path)}:{line}"
        for path in python_files()
        for line in silent_exceptions(path.read_text(encoding="utf-8"))
    ]

    assert silent == []


def test_every_ignored_rule_in_the_configuration_has_its_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    silent, inside, rules = [], False, 0
    for number, line in enumerate(lines, start=1):
        if re.match(r'(ignore|"[\w*/.]+") = \[', line):
            inside = True
        elif line.startswith("]"):
            inside = False
        elif inside and re.match(r'\s+"[A-Z]+\d*"', line):
            rules += 1
            if not re.search(r"#\s+\S", line):
                silent.append(f"pyproject.toml:{number} {line.strip()}")

    assert silent == []
    assert rules > 10
