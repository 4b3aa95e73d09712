from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, DateTime
from sqlmodel import SQLModel

import models  # noqa: F401  # registers the tables
from models.repositories.invariants import INVARIANTS

TABLES = SQLModel.metadata.tables


def test_every_amount_is_a_bigint() -> None:
    amounts = {
        f"{table.name}.{column.name}": type(column.type)
        for table in TABLES.values()
        for column in table.columns
        if column.name == "amount" or column.name.endswith("_amount")
    }

    assert len(amounts) > 10
    assert set(amounts.values()) == {BigInteger}


def test_every_moment_carries_its_time_zone() -> None:
    naive = [
        f"{table.name}.{column.name}"
        for table in TABLES.values()
        for column in table.columns
        if isinstance(column.type, DateTime) and not column.type.timezone
    ]

    assert naive == []


def test_every_moment_is_named_so() -> None:
    assert {
        column.name
        for table in TABLES.values()
        for column in table.columns
        if isinstance(column.type, DateTime) and not column.name.endswith(("_at", "_before"))
    } == {"at"}


def test_every_status_is_checked_by_the_database() -> None:
    unchecked = [
        table.name
        for table in TABLES.values()
        if "status" in table.columns
        and not any(
            isinstance(constraint, CheckConstraint) and "status IN" in str(constraint.sqltext)
            for constraint in table.constraints
        )
        and table.name != "shipment_events"  # the carrier's own words
    ]

    assert unchecked == []


def test_invariants_have_names_of_their_own_and_a_promise() -> None:
    names = [invariant.name for invariant in INVARIANTS]

    assert len(set(names)) == len(names)
    assert all(invariant.promise for invariant in INVARIANTS)
