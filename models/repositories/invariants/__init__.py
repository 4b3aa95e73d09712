"""What must be true of the rows at every commit, each as a query that returns what is not.

The numbers are those of the invariants in ``docs/architecture.md``. A query is one statement, so it
sees one snapshot: a transaction in flight is never taken for a violation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from core.database import Database
from core.domain.statuses import OrderStatus, PaymentStatus, ShipmentStatus
from models.repositories.invariants.carts import CARTS
from models.repositories.invariants.catalogue import CATALOGUE
from models.repositories.invariants.disputes import DISPUTES
from models.repositories.invariants.history import HISTORY
from models.repositories.invariants.invariant import Invariant
from models.repositories.invariants.jobs import JOBS
from models.repositories.invariants.ledger import LEDGER
from models.repositories.invariants.money import MONEY
from models.repositories.invariants.people import PEOPLE
from models.repositories.invariants.promotions import PROMOTIONS
from models.repositories.invariants.returns import RETURNS
from models.repositories.invariants.settlements import SETTLEMENTS
from models.repositories.invariants.shipments import SHIPMENTS
from models.repositories.invariants.sign_in import SIGN_IN
from models.repositories.invariants.stock import STOCK
from models.repositories.invariants.waits import WAITS

LATE = timedelta(seconds=60)
"""A hold may outlive its deadline by this much before it counts as forgotten."""

UNREAD = timedelta(minutes=15)
"""A provider's event is dealt with by then."""

_PARAMETERS: Mapping[str, object] = {
    "late": LATE,
    "unread": UNREAD,
    "confirmed": [
        OrderStatus.CONFIRMED,
        OrderStatus.PROCESSING,
        OrderStatus.SHIPPED,
        OrderStatus.DELIVERED,
        OrderStatus.COMPLETED,
    ],
    "paid": [
        PaymentStatus.AUTHORIZED,
        PaymentStatus.PARTIALLY_CAPTURED,
        PaymentStatus.CAPTURED,
        PaymentStatus.PARTIALLY_REFUNDED,
        PaymentStatus.REFUNDED,
        PaymentStatus.DISPUTED,
    ],
    "gone": [
        ShipmentStatus.HANDED_OVER,
        ShipmentStatus.IN_TRANSIT,
        ShipmentStatus.DELIVERED,
        ShipmentStatus.DELIVERY_FAILED,
        ShipmentStatus.RETURNING,
        ShipmentStatus.RETURNED,
    ],
}

__all__ = ["INVARIANTS", "Invariant", "broken_promises", "rows_that_break"]

INVARIANTS: Sequence[Invariant] = (
    *STOCK,
    *MONEY,
    *LEDGER,
    *DISPUTES,
    *PROMOTIONS,
    *SHIPMENTS,
    *RETURNS,
    *CARTS,
    *CATALOGUE,
    *HISTORY,
    *PEOPLE,
    *SETTLEMENTS,
    *SIGN_IN,
    *WAITS,
    *JOBS,
)


async def rows_that_break(database: Database, invariant: Invariant) -> list[dict[str, Any]]:
    """Return the rows that break the promise; none when it holds.

    Raises:
        UnavailableError: the database is down.
    """
    sql = text(invariant.sql)
    wanted = {name: value for name, value in _PARAMETERS.items() if f":{name}" in invariant.sql}
    return [dict(row) for row in await database.statement(sql, wanted)]


async def broken_promises(database: Database) -> dict[str, int]:
    """Count the rows that break each invariant that does not hold, in one statement.

    Raises:
        UnavailableError: the database is down.
    """
    sql = " UNION ALL ".join(
        f"SELECT '{one.name}' AS name, (SELECT count(*) FROM ({one.sql}) AS broken) AS rows"
        for one in INVARIANTS
    )
    wanted = {name: value for name, value in _PARAMETERS.items() if f":{name}" in sql}
    found = await database.statement(text(sql), wanted)
    return {row["name"]: row["rows"] for row in found if row["rows"]}
