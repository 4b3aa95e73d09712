from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.section import Section
from core.settings import Settings

EXAMPLE = Path(__file__).parents[3] / ".env.example"
ASSIGNMENT = re.compile(r"^# (PERDURE_\w+)=(.*)$", re.MULTILINE)


def _variables() -> dict[str, str]:
    return dict(ASSIGNMENT.findall(EXAMPLE.read_text()))


def _names_of_settings() -> set[str]:
    names = set()
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, Section):
            fields = type(field.default).model_fields
            names |= {f"PERDURE_{name}_{leaf}".upper() for leaf in fields}
        else:
            names.add(f"PERDURE_{name}".upper())
    return names


def test_example_lists_every_setting_and_nothing_else() -> None:
    assert set(_variables()) == _names_of_settings()


def test_uncommented_example_changes_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _names_of_settings():
        monkeypatch.delenv(name, raising=False)
    expected = Settings(_env_file=None)
    for name, value in _variables().items():
        if value:
            monkeypatch.setenv(name, value)

    assert Settings(_env_file=None) == expected


def test_example_sets_nothing_by_itself() -> None:
    lines = EXAMPLE.read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []
