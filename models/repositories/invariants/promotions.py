"""What must be true of the uses of promotions."""

from __future__ import annotations

from models.repositories.invariants.invariant import Invariant

PROMOTIONS = (
    Invariant(
        name="used_is_open_uses",
        number=6,
        promise="the counter of a promotion is the number of its open uses, within its limit",
        sql="""
            SELECT p.id AS promotion_id, p.used, p.usage_limit, count(u.order_id) AS uses
            FROM promotions p LEFT JOIN promotion_uses u
              ON u.promotion_id = p.id AND u.status IN ('reserved', 'used')
            GROUP BY p.id HAVING p.used <> count(u.order_id) OR p.used > p.usage_limit""",
    ),
    Invariant(
        name="ended_order_uses_no_promotion",
        number=6,
        promise="a failed or canceled order has given back its promotions",
        sql="""
            SELECT u.order_id, o.status AS order_status, u.promotion_id, u.status
            FROM promotion_uses u JOIN orders o ON o.id = u.order_id
            WHERE o.status IN ('failed', 'canceled') AND u.status <> 'released'""",
    ),
    Invariant(
        name="confirmed_order_used_its_promotions",
        number=6,
        promise="a confirmed order has used every promotion that made it cheaper",
        sql="""
            SELECT u.order_id, o.status AS order_status, u.promotion_id, u.status
            FROM promotion_uses u JOIN orders o ON o.id = u.order_id
            WHERE o.status = ANY(:confirmed) AND u.status <> 'used'""",
    ),
)
