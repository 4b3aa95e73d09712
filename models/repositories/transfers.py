"""Units on their way from one warehouse to another: on no shelf until they arrive or come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.domain.errors import FieldError, InvalidRequestError, InvalidStateError, NotFoundError
from models.repositories import audit, idempotency, orders, stock_changes, stock_moves
from models.repositories.stock_moves import Counted, Movement
from models.stock import StockTransfer, TransferStatus

_DONE_BY = text("""
SELECT EXISTS (SELECT FROM audit_log
    WHERE target = :target AND after ->> 'call' = :call AND after ->> 'status' = :status) AS done
""")


async def send(
    session: AsyncSession,
    *,
    transfer_id: str,
    from_warehouse_id: str,
    to_warehouse_id: str,
    items: Mapping[str, int],
    actor: str,
    reason: str,
) -> StockTransfer:
    """Let units leave; a second call with the same id finds the transfer of the first.

    Raises:
        InvalidRequestError: no such warehouse or SKU.
        InvalidStateError: a warehouse has fewer units that are not promised.
    """
    await idempotency.one_at_a_time(session, transfer_id)
    existing = await session.get(StockTransfer, transfer_id)
    if existing is not None:
        return existing
    await _require_known(session, from_warehouse_id, to_warehouse_id, list(items))
    levels = await stock_moves.lock_places(session, [(from_warehouse_id, sku) for sku in items])
    short = {
        sku: available
        for sku, quantity in items.items()
        if (available := levels.get((from_warehouse_id, sku), Counted()).available) < quantity
    }
    if short:
        raise InvalidStateError(
            present="too few units that are not promised",
            wanted="a transfer",
            allowed=[f"{available} of {sku}" for sku, available in short.items()],
        )
    transfer = StockTransfer(
        id=transfer_id,
        from_warehouse_id=from_warehouse_id,
        to_warehouse_id=to_warehouse_id,
        status=TransferStatus.IN_TRANSIT,
        items=[{"sku": sku, "quantity": quantity} for sku, quantity in items.items()],
        actor=actor,
        reason=reason,
    )
    session.add(transfer)
    await session.flush()
    await stock_moves.move(
        session, _movements(transfer, from_warehouse_id, "out", sign=-1), actor=actor
    )
    await audit.record(
        session,
        actor=actor,
        action="stock.transfer_sent",
        target=transfer_id,
        reason=reason,
        after={"status": transfer.status, "items": dict(items)},
    )
    return transfer


async def end(
    session: AsyncSession, transfer_id: str, status: TransferStatus, *, actor: str, call: str
) -> tuple[StockTransfer, list[str]]:
    """Receive the units, or take them back; return the orders that got some of them.

    Args:
        session: the caller's transaction.
        transfer_id: one that is in transit.
        status: ``received`` or ``canceled``.
        actor: ``staff:usr_…``.
        call: tells the request: one that comes again finds what it did.

    Raises:
        NotFoundError: there is no such transfer.
        InvalidStateError: it has ended before, by another request.
    """
    transfer = await find(session, transfer_id, lock=True)
    if transfer.status != TransferStatus.IN_TRANSIT:
        marks = {"target": transfer_id, "call": call, "status": str(status)}
        if (await session.execute(_DONE_BY, marks)).scalar_one():
            return transfer, []
        raise InvalidStateError(present=transfer.status, wanted=status)
    received = status is TransferStatus.RECEIVED
    where = transfer.to_warehouse_id if received else transfer.from_warehouse_id
    served = await stock_moves.receive(
        session, _movements(transfer, where, "in" if received else "back", sign=1), actor=actor
    )
    transfer.status = status
    transfer.ended_at = orders.now()
    await session.flush()
    await session.refresh(transfer)
    await audit.record(
        session,
        actor=actor,
        action=f"stock.transfer_{status}",
        target=transfer_id,
        reason="",
        before={"status": TransferStatus.IN_TRANSIT},
        after={"status": status, "call": call},
    )
    return transfer, served


async def find(session: AsyncSession, transfer_id: str, *, lock: bool = False) -> StockTransfer:
    """Return a transfer.

    Raises:
        NotFoundError: there is none.
    """
    statement = select(StockTransfer).where(StockTransfer.id == transfer_id)
    if lock:
        statement = statement.with_for_update()
    transfer = (await session.scalars(statement)).one_or_none()
    if transfer is None:
        raise NotFoundError("there is no such transfer")
    return transfer


async def page_of(
    session: AsyncSession, *, before: str | None, status: str | None, limit: int
) -> Sequence[StockTransfer]:
    """Return transfers, the newest first, those older than ``before``."""
    statement = select(StockTransfer).order_by(col(StockTransfer.id).desc()).limit(limit)
    if before is not None:
        statement = statement.where(col(StockTransfer.id) < before)
    if status is not None:
        statement = statement.where(col(StockTransfer.status) == status)
    return (await session.scalars(statement)).all()


def _movements(transfer: StockTransfer, where: str, way: str, *, sign: int) -> list[Movement]:
    items: Sequence[Mapping[str, Any]] = transfer.items
    return [
        Movement(
            warehouse_id=where,
            sku=item["sku"],
            delta=sign * item["quantity"],
            reason=f"transfer_{way}",
            reference=f"transfer:{transfer.id}:{way}:{item['sku']}",
        )
        for item in items
    ]


async def _require_known(session: AsyncSession, source: str, to: str, skus: Sequence[str]) -> None:
    places = [(source, skus[0]), *((to, sku) for sku in skus)]
    unknown_warehouses, unknown_skus = await stock_changes.unknown(session, places)
    errors = [
        FieldError(pointer=pointer, detail="there is no such warehouse")
        for pointer, warehouse_id in (("/from_warehouse_id", source), ("/to_warehouse_id", to))
        if warehouse_id in unknown_warehouses
    ]
    errors += [
        FieldError(pointer=f"/items/{position}/sku", detail="there is no such SKU")
        for position, sku in enumerate(skus)
        if sku in unknown_skus
    ]
    if errors:
        raise InvalidRequestError(errors)
