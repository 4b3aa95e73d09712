"""The same change of many products: some statements for any number of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from core.domain.errors import InvalidStateError
from core.domain.money import BASIS_POINTS, MAX_AMOUNT
from core.domain.products import Approval, ProductStatus, moved_product
from models.repositories import product_changes
from models.repositories.product_exports import Wanted
from models.repositories.product_imports import audit_each

_FITTING = text("""
SELECT p.id FROM products p
WHERE p.deleted_at IS NULL
    AND (CAST(:vendor_id AS text) IS NULL OR p.vendor_id = :vendor_id)
    AND (CAST(:status AS text) IS NULL OR p.status = :status)
    AND (CAST(:category_id AS text) IS NULL OR EXISTS (
        SELECT FROM product_categories m
        WHERE m.product_id = p.id AND m.category_id = :category_id))
ORDER BY p.id LIMIT :limit
""")
_LOCK = text("""
SELECT p.id, p.status, p.approval, d.products_need_approval
FROM products p JOIN vendors d ON d.id = p.vendor_id
WHERE p.id = ANY(CAST(:ids AS text[])) AND p.deleted_at IS NULL
    AND (CAST(:vendor_id AS text) IS NULL OR p.vendor_id = :vendor_id)
ORDER BY p.id FOR NO KEY UPDATE OF p
""")
_MOVE = text(f"""
UPDATE products p SET status = :status, updated_at = now(),
    approval = CASE WHEN CAST(:approves AS boolean) AND {product_changes.WAITS_FOR_STAFF}
                    THEN 'approved' ELSE p.approval END
FROM vendors d WHERE d.id = p.vendor_id AND p.id = ANY(CAST(:ids AS text[]))
""")

# Half away from zero; no price is below zero, so that is half up.
_NEW_PRICE = f"""floor(CAST(x.amount AS numeric) * ({BASIS_POINTS} + :basis_points)
    / {BASIS_POINTS} + 0.5)"""
_PRICED = text(f"""
SELECT v.product_id AS id, max({_NEW_PRICE}) > {MAX_AMOUNT} AS too_much
FROM variants v JOIN variant_prices x ON x.variant_id = v.id AND x.currency = :currency
WHERE v.product_id = ANY(CAST(:ids AS text[])) GROUP BY v.product_id
""")
_REPRICE = text(f"""
UPDATE variant_prices x SET amount = {_NEW_PRICE}
FROM variants v WHERE x.variant_id = v.id AND x.currency = :currency
    AND v.product_id = ANY(CAST(:ids AS text[])) AND x.amount <> {_NEW_PRICE}
RETURNING v.product_id
""")


async def fitting(database: Database, wanted: Wanted, *, limit: int) -> list[str]:
    """Return the products that fit now, by id."""
    parameters = {name: getattr(wanted, name) for name in Wanted.__slots__}
    rows = await database.statement(_FITTING, {**parameters, "limit": limit})
    return [row["id"] for row in rows]


async def move(
    session: AsyncSession,
    ids: Sequence[str],
    status: ProductStatus,
    *,
    vendor_id: str | None,
    **who: Any,
) -> dict[str, str]:
    """Publish or archive products; return why some of them stay, by id.

    Staff who publish a product approve it. ``who`` goes to the audit log.
    """
    found = await _locked(session, ids, vendor_id)
    refused = {id_: "there is no such product" for id_ in ids if id_ not in found}
    moving = []
    for row in found.values():
        try:
            moved_product(
                ProductStatus(row["status"]),
                status,
                approval=Approval(row["approval"]),
                needs_approval=row["products_need_approval"],
                by_vendor=vendor_id is not None,
            )
        except InvalidStateError as error:
            refused[row["id"]] = str(error)
        else:
            if row["status"] != status:
                moving.append(row["id"])
    approves = vendor_id is None and status is ProductStatus.PUBLISHED
    await session.execute(_MOVE, {"ids": moving, "status": status, "approves": approves})
    await audit_each(session, moving, action=f"product.{status}", after={"status": status}, **who)
    return refused


async def change_prices(
    session: AsyncSession,
    ids: Sequence[str],
    *,
    currency: str,
    basis_points: int,
    vendor_id: str | None,
    **who: Any,
) -> dict[str, str]:
    """Change the prices of products in a currency; return why some of them stay, by id.

    Prices that hold for a time stay as they are. ``who`` goes to the audit log.
    """
    found = await _locked(session, ids, vendor_id)
    refused = {id_: "there is no such product" for id_ in ids if id_ not in found}
    terms = {"currency": currency, "basis_points": basis_points}
    priced = {
        row.id: row.too_much
        for row in await session.execute(_PRICED, {**terms, "ids": list(found)})
    }
    for id_ in found:
        if id_ not in priced:
            refused[id_] = f"it has no price in {currency}"
        elif priced[id_]:
            refused[id_] = "more than any price"
    changing = [id_ for id_ in found if id_ not in refused]
    changed = (await session.execute(_REPRICE, {**terms, "ids": changing})).scalars()
    products = sorted(set(changed))
    await product_changes.touch(session, products)
    await audit_each(session, products, action="product.prices_changed", after=terms, **who)
    return refused


async def _locked(
    session: AsyncSession, ids: Sequence[str], vendor_id: str | None
) -> Mapping[str, RowMapping]:
    rows = await session.execute(_LOCK, {"ids": list(ids), "vendor_id": vendor_id})
    return {row["id"]: row for row in rows.mappings()}
