"""What staff do to stock: adjust it, count it, and say how a variant is sold without it.

Each change and its audit entry are one transaction, and each may run twice: a request that was
interrupted after its commit comes again with the same key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.domain.backorders import BackorderPolicy
from core.domain.errors import FieldError, InvalidRequestError, InvalidStateError, NotFoundError
from models.catalogue import Variant
from models.repositories import audit, backorders, idempotency, stock_moves
from models.repositories.backorders import Place
from models.repositories.stock_moves import Counted, Movement
from models.stock import StockMovement

MOST_UNITS = 2_000_000_000
"""Of one SKU in one warehouse: what the column holds."""

_UNKNOWN = text("""
SELECT
    ARRAY(SELECT unnest(CAST(:warehouse_ids AS text[])) EXCEPT SELECT id FROM warehouses)
        AS warehouse_ids,
    ARRAY(SELECT unnest(CAST(:skus AS text[])) EXCEPT SELECT sku FROM variants) AS skus
""")

_SUMMARY = text("""
SELECT CAST(after ->> 'rows' AS int) AS rows, CAST(after ->> 'changed' AS int) AS changed,
    CAST(after ->> 'units' AS bigint) AS units
FROM audit_log WHERE target = :target AND action = 'stock.counted'
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class Adjustment:
    """``delta`` units more, or fewer; ``id`` is that of the request."""

    id: str
    warehouse_id: str
    sku: str
    delta: int
    reason: str
    actor: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CountedRow:
    """What somebody counted on one line of their list; ``line`` counts from 1."""

    line: int
    warehouse_id: str
    sku: str
    counted: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TakeSummary:
    """``rows`` were counted, ``changed`` of them differed, by ``units`` altogether."""

    rows: int
    changed: int
    units: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StockPolicy:
    """How a variant is sold when stock runs out, and when people are told."""

    backorder_policy: BackorderPolicy
    backorder_limit: int | None
    promised_at: datetime | None
    low_stock_threshold: int | None


async def unknown(session: AsyncSession, places: Sequence[Place]) -> tuple[set[str], set[str]]:
    """Return the warehouses and the SKUs that there are none of."""
    row = (
        (
            await session.execute(
                _UNKNOWN, {"warehouse_ids": [w for w, _ in places], "skus": [s for _, s in places]}
            )
        )
        .mappings()
        .one()
    )
    return set(row["warehouse_ids"]), set(row["skus"])


async def adjust(session: AsyncSession, wanted: Adjustment) -> tuple[Counted, list[str]]:
    """Change what lies in a place; return what lies there now, and the orders it was given to.

    Raises:
        InvalidRequestError: no such warehouse or SKU.
        InvalidStateError: fewer units are left than are promised.
    """
    place = (wanted.warehouse_id, wanted.sku)
    await _require_known(session, place)
    if wanted.delta > 0:
        await stock_moves.make_rows(session, [place])
    before = (await stock_moves.lock_places(session, [place])).get(place)
    movement = Movement(
        warehouse_id=wanted.warehouse_id,
        sku=wanted.sku,
        delta=wanted.delta,
        reason=wanted.reason,
        reference=wanted.id,
    )
    if await _is_written(session, wanted.id):
        return before or Counted(), []
    if before is None or not before.reserved <= before.on_hand + wanted.delta <= MOST_UNITS:
        raise _beyond(before or Counted(), wanted.delta)
    if wanted.delta > 0:
        served = await stock_moves.receive(session, [movement], actor=wanted.actor)
    else:
        served = []
        await stock_moves.move(session, [movement], actor=wanted.actor)
    await audit.record(
        session,
        actor=wanted.actor,
        action="stock.adjusted",
        target=f"{wanted.warehouse_id}:{wanted.sku}",
        reason=wanted.reason,
        before={"on_hand": before.on_hand},
        after={"on_hand": before.on_hand + wanted.delta},
    )
    return (await stock_moves.lock_places(session, [place]))[place], served


async def take_stock(
    session: AsyncSession, take_id: str, rows: Sequence[CountedRow], *, actor: str, dry_run: bool
) -> tuple[TakeSummary, list[str]]:
    """Make the stock what was counted, all of it or nothing; return the orders that got units.

    Raises:
        InvalidRequestError: names every line with an unknown place, or fewer units than promised.
    """
    await idempotency.one_at_a_time(session, take_id)
    done = (await session.execute(_SUMMARY, {"target": take_id})).mappings().one_or_none()
    if done is not None:
        return TakeSummary(**done), []
    places = sorted({(row.warehouse_id, row.sku) for row in rows})
    warehouses, skus = await unknown(session, places)
    known = [(w, sku) for w, sku in places if w not in warehouses and sku not in skus]
    levels = await stock_moves.lock_places(session, known)
    errors = [
        error for row in rows for error in _faults(row, levels, warehouses=warehouses, skus=skus)
    ]
    if errors:
        raise InvalidRequestError(errors)
    movements = [movement for row in rows if (movement := _correction(take_id, row, levels))]
    summary = TakeSummary(
        rows=len(rows), changed=len(movements), units=sum(one.delta for one in movements)
    )
    if dry_run:
        return summary, []
    grown = [(one.warehouse_id, one.sku) for one in movements if one.delta > 0]
    await stock_moves.make_rows(session, grown)
    await stock_moves.move(session, movements, actor=actor)
    served = await backorders.allocate_waiting(session, grown)
    await audit.record(
        session,
        actor=actor,
        action="stock.counted",
        target=take_id,
        reason="stock-taking",
        after=asdict(summary),
    )
    return summary, served


async def find_policy(session: AsyncSession, sku: str, *, lock: bool = False) -> StockPolicy:
    """How the variant is sold without stock.

    Raises:
        NotFoundError: there is no such SKU.
    """
    return _policy_of(await _variant(session, sku, lock=lock))


async def set_policy(
    session: AsyncSession, sku: str, wanted: StockPolicy, *, actor: str, reason: str
) -> None:
    """Say how the variant is sold without stock; who waits already goes on waiting.

    Raises:
        NotFoundError: there is no such SKU.
    """
    variant = await _variant(session, sku, lock=True)
    before = _policy_of(variant)
    if before == wanted:
        return
    variant.backorder_policy = wanted.backorder_policy
    variant.backorder_limit = wanted.backorder_limit
    variant.promised_at = wanted.promised_at
    variant.low_stock_threshold = wanted.low_stock_threshold
    await audit.record(
        session,
        actor=actor,
        action="stock.policy_changed",
        target=variant.id,
        reason=reason,
        before=_recorded(before),
        after=_recorded(wanted),
    )


async def _variant(session: AsyncSession, sku: str, *, lock: bool) -> Variant:
    statement = select(Variant).where(Variant.sku == sku)
    if lock:
        statement = statement.with_for_update(key_share=True)
    variant = (await session.scalars(statement)).one_or_none()
    if variant is None:
        raise NotFoundError("there is no such SKU")
    return variant


def _policy_of(variant: Variant) -> StockPolicy:
    return StockPolicy(
        backorder_policy=BackorderPolicy(variant.backorder_policy),
        backorder_limit=variant.backorder_limit,
        promised_at=variant.promised_at,
        low_stock_threshold=variant.low_stock_threshold,
    )


def _recorded(policy: StockPolicy) -> Mapping[str, object]:
    at = policy.promised_at
    return asdict(policy) | {"promised_at": at.isoformat() if at else None}


async def _require_known(session: AsyncSession, place: Place) -> None:
    warehouses, skus = await unknown(session, [place])
    errors = []
    if warehouses:
        errors.append(FieldError(pointer="/warehouse_id", detail="there is no such warehouse"))
    if skus:
        errors.append(FieldError(pointer="/sku", detail="there is no such SKU"))
    if errors:
        raise InvalidRequestError(errors)


async def _is_written(session: AsyncSession, reference: str) -> bool:
    statement = select(StockMovement.id).where(col(StockMovement.reference) == reference)
    return (await session.scalars(statement)).first() is not None


def _beyond(level: Counted, delta: int) -> InvalidStateError:
    return InvalidStateError(
        present=f"{level.on_hand} on hand, {level.reserved} reserved",
        wanted=f"a change by {delta}",
        allowed=[f"from -{level.available} to {MOST_UNITS - level.on_hand}"],
    )


def _faults(
    row: CountedRow, levels: Mapping[Place, Counted], *, warehouses: set[str], skus: set[str]
) -> list[FieldError]:
    at = f"/lines/{row.line}"
    errors = []
    if row.warehouse_id in warehouses:
        errors.append(FieldError(pointer=f"{at}/warehouse_id", detail="there is no such warehouse"))
    if row.sku in skus:
        errors.append(FieldError(pointer=f"{at}/sku", detail="there is no such SKU"))
    reserved = levels.get((row.warehouse_id, row.sku), Counted()).reserved
    if row.counted < reserved:
        detail = f"{reserved} units are promised to orders: fewer cannot lie there"
        errors.append(FieldError(pointer=f"{at}/counted", detail=detail))
    return errors


def _correction(take_id: str, row: CountedRow, levels: Mapping[Place, Counted]) -> Movement | None:
    delta = row.counted - levels.get((row.warehouse_id, row.sku), Counted()).on_hand
    if delta == 0:
        return None
    return Movement(
        warehouse_id=row.warehouse_id,
        sku=row.sku,
        delta=delta,
        reason="stock_taking",
        reference=f"{take_id}:{row.warehouse_id}:{row.sku}",
    )
