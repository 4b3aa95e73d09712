from __future__ import annotations

import re
from collections.abc import Iterator

from sqlalchemy import Column, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

import models  # noqa: F401  # fills the metadata
from models.personal_map import INDEX, NOBODYS, NOT_HANDED_OUT, PERSONAL, PLAIN_NAMES

TABLES = SQLModel.metadata.tables
MAP = {table.name: table for table in PERSONAL}
LOOKS_PERSONAL = re.compile(
    r"e_?mail|phone|address|recipient|device|(first|last|full)_?name|birth|postal|ip_|user_agent"
)


def _wordy_columns() -> Iterator[tuple[str, Column[object]]]:
    """Columns that could hold what a person has written, or what is known of one."""
    for name, table in TABLES.items():
        if name.startswith(INDEX):
            continue
        for column in table.columns:
            if isinstance(column.type, AutoString | JSONB | LargeBinary) and not re.fullmatch(
                PLAIN_NAMES, column.name
            ):
                yield name, column


def test_every_column_that_holds_words_is_in_the_map_or_nobodys() -> None:
    """A new one: say in ``models.personal_map`` what becomes of it when its person is forgotten."""
    unknown = [
        f"{table}.{column.name}"
        for table, column in _wordy_columns()
        if table not in MAP and column.name not in NOBODYS.get(table, ())
    ]

    assert unknown == []


def test_what_stays_of_a_forgotten_person_is_said_column_by_column() -> None:
    undecided = [
        f"{table}.{column.name}"
        for table, column in _wordy_columns()
        if table in MAP
        and not MAP[table].deleted
        and column.name not in MAP[table].erased
        and column.name not in MAP[table].kept
    ]

    assert undecided == []


def test_what_is_not_handed_out_has_its_reason() -> None:
    missing = [
        f"{table}.{column.name}"
        for table, column in _wordy_columns()
        if table in MAP
        and column.name not in MAP[table].handed_out
        and not {table, f"{table}.{column.name}"} & NOT_HANDED_OUT.keys()
    ]

    assert missing == []


def test_column_that_looks_personal_is_never_kept_or_nobodys() -> None:
    kept = {f"{table.name}.{name}" for table in PERSONAL for name in table.kept}
    nobodys = {f"{table}.{name}" for table, names in NOBODYS.items() for name in names}

    assert {name for name in kept | nobodys if LOOKS_PERSONAL.search(name)} == set()
    assert {
        column.name
        for table in TABLES.values()
        for column in table.columns
        if LOOKS_PERSONAL.search(column.name) and re.fullmatch(PLAIN_NAMES, column.name)
    } == set()


def test_map_names_tables_and_columns_that_there_are() -> None:
    named = {
        f"{table.name}.{name}"
        for table in PERSONAL
        for name in (*table.handed_out, *table.erased, *table.kept)
    }
    named |= {f"{table}.{name}" for table, names in NOBODYS.items() for name in names}
    named |= {name for name in NOT_HANDED_OUT if "." in name}
    present = {
        f"{name}.{column.name}" for name, table in TABLES.items() for column in table.columns
    }

    assert named - present == set()


def test_table_with_rows_of_a_person_is_in_the_map() -> None:
    of_people = {
        name for name, table in TABLES.items() if {"user_id", "customer_id"} & {*table.c.keys()}
    }

    assert of_people - MAP.keys() == {"promotion_uses"}, "it keeps ids and amounts alone"
