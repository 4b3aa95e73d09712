"""Promotions for tests, and what became of their uses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from core.database import Database
from core.domain.ids import Prefix, new_id
from core.domain.promotions import PromotionKind, PromotionScope
from models import Promotion
from models.repositories.drafts import CartPromotion


async def promote(database: Database, amount: int = 300, **changes: Any) -> CartPromotion:
    """Put up a promotion that takes off ``amount`` (minor units); return its part of a cart."""
    promotion = Promotion(
        **{
            "id": new_id(Prefix.PROMOTION),
            "name": "Three off",
            "code": new_id(Prefix.PROMOTION).upper(),
            "kind": PromotionKind.FIXED,
            "scope": PromotionScope.ORDER,
            "target_ids": [],
            "amounts": {"USD": amount},
            "minimum_amounts": {},
            "starts_at": datetime(2025, 1, 1, tzinfo=UTC),
            **changes,
        }
    )
    async with database.transaction() as session:
        session.add(promotion)
    return CartPromotion(
        promotion_id=promotion.id, code=promotion.code, name=promotion.name, amount=amount
    )


async def uses(database: Database, promotion: CartPromotion) -> tuple[int, list[str]]:
    """The counter of a promotion, and the states of its uses in the order of their orders."""
    rows = await database.statement(
        text(
            "SELECT p.used, array_agg(u.status ORDER BY u.order_id)"
            " FILTER (WHERE u.status IS NOT NULL) AS uses FROM promotions p"
            " LEFT JOIN promotion_uses u ON u.promotion_id = p.id"
            " WHERE p.id = :id GROUP BY p.id"
        ),
        {"id": promotion.promotion_id},
    )
    return rows[0]["used"], rows[0]["uses"] or []
