"""Settlements as people read them: lists, one with its lines, and the lines of a statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlmodel import col, select

from core.database import Database
from core.domain.ledger import PostingKind
from core.domain.settlements import Line, LineKind, kind_of
from core.domain.statuses import SettlementStatus
from models.repositories.payables import COMMISSION
from models.settlements import Settlement, SettlementApproval
from models.vendors import Vendor

_OPEN = (
    SettlementStatus.DRAFT,
    SettlementStatus.AWAITING_APPROVAL,
    SettlementStatus.APPROVED,
    SettlementStatus.PAYING,
    SettlementStatus.FAILED,
)

_LINES = text(f"""
SELECT p.kind, p.order_id, o.number AS order_number, p.posted_at, p.reference,
    sum(l.amount)::bigint AS net, sum({COMMISSION})::bigint AS commission
FROM settlement_lines l
JOIN ledger_entries e ON e.posting_key = l.posting_key AND e.position = l.position
JOIN ledger_postings p ON p.key = l.posting_key
LEFT JOIN orders o ON o.id = p.order_id
WHERE l.settlement_id = :settlement_id
GROUP BY p.key, o.number ORDER BY p.posted_at, p.key
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class SettlementView:
    """A settlement, its vendor's name, and who has approved it when."""

    settlement: Settlement
    vendor_name: str
    approvals: Sequence[SettlementApproval]


@dataclass(frozen=True, kw_only=True, slots=True)
class StatementLine:
    """A sale, refund, dispute or adjustment; minor units."""

    at: datetime
    kind: LineKind
    order_id: str | None
    order_number: int | None
    reference: str
    gross: int
    commission: int
    net: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Filters:
    """Which settlements are wanted."""

    vendor_id: str | None = None
    status: SettlementStatus | None = None
    currency: str | None = None


async def find(
    database: Database, settlement_id: str, *, vendor_id: str | None = None
) -> SettlementView | None:
    """Return one settlement; with ``vendor_id`` only when it is that vendor's."""
    async with database.transaction() as session:
        settlement = await session.get(Settlement, settlement_id)
        if settlement is None or vendor_id not in {None, settlement.vendor_id}:
            return None
        vendor = await session.get_one(Vendor, settlement.vendor_id)
        statement = (
            select(SettlementApproval)
            .where(SettlementApproval.settlement_id == settlement_id)
            .order_by(col(SettlementApproval.at), col(SettlementApproval.actor))
        )
        approvals = (await session.scalars(statement)).all()
        return SettlementView(
            settlement=settlement, vendor_name=vendor.name, approvals=list(approvals)
        )


async def page_of(
    database: Database, filters: Filters, *, before: str | None, limit: int
) -> list[Settlement]:
    """Return settlements, the newest first, those before an id."""
    statement = select(Settlement).order_by(col(Settlement.id).desc()).limit(limit)
    if before is not None:
        statement = statement.where(Settlement.id < before)
    for name in Filters.__slots__:
        wanted = getattr(filters, name)
        if wanted is not None:
            statement = statement.where(getattr(Settlement, name) == wanted)
    async with database.transaction() as session:
        return list((await session.scalars(statement)).all())


async def lines_of(database: Database, settlement_id: str) -> list[StatementLine]:
    """Return what a settlement pays, the oldest first."""
    rows = await database.statement(_LINES, {"settlement_id": settlement_id})
    found = []
    for row in rows:
        line = Line(
            kind=kind_of(PostingKind(row["kind"])), net=row["net"], commission=row["commission"]
        )
        found.append(
            StatementLine(
                at=row["posted_at"],
                kind=line.kind,
                order_id=row["order_id"],
                order_number=row["order_number"],
                reference=row["reference"],
                gross=line.gross,
                commission=line.commission,
                net=line.net,
            )
        )
    return found


async def unfinished(database: Database, *, vendor_id: str | None = None) -> list[str]:
    """Settlements that have not come to their end, the oldest first."""
    statement = (
        select(Settlement.id).where(col(Settlement.status).in_(_OPEN)).order_by(col(Settlement.id))
    )
    if vendor_id is not None:
        statement = statement.where(Settlement.vendor_id == vendor_id)
    async with database.transaction() as session:
        return list((await session.scalars(statement)).all())
