"""What must be true of units and the promises made on them."""

from __future__ import annotations

from models.repositories.invariants.invariant import Invariant

STOCK = (
    Invariant(
        name="stock_within_bounds",
        number=1,
        promise="0 <= reserved <= on_hand for every stock row",
        sql="""
            SELECT warehouse_id, sku, on_hand, reserved FROM stock
            WHERE reserved < 0 OR reserved > on_hand""",
    ),
    Invariant(
        name="reserved_is_open_lines",
        number=1,
        promise="reserved is the sum of the open reservation lines",
        sql="""
            SELECT warehouse_id, sku, s.reserved, coalesce(l.quantity, 0) AS open_lines
            FROM stock s LEFT JOIN (
                SELECT warehouse_id, sku, sum(quantity) AS quantity FROM reservation_lines
                WHERE status IN ('held', 'committed') GROUP BY warehouse_id, sku
            ) l USING (warehouse_id, sku)
            WHERE s.reserved <> coalesce(l.quantity, 0)""",
    ),
    Invariant(
        name="on_hand_is_movements",
        number=1,
        promise="on_hand is the sum of the stock movements",
        sql="""
            SELECT warehouse_id, sku, s.on_hand, coalesce(m.delta, 0) AS movements
            FROM stock s LEFT JOIN (
                SELECT warehouse_id, sku, sum(delta) AS delta FROM stock_movements
                GROUP BY warehouse_id, sku
            ) m USING (warehouse_id, sku)
            WHERE s.on_hand <> coalesce(m.delta, 0)""",
    ),
    Invariant(
        name="confirmed_order_is_reserved",
        number=2,
        promise="a confirmed order has committed or consumed lines for exactly its items",
        sql="""
            SELECT order_id, sku, coalesce(i.quantity, 0) AS ordered,
                   coalesce(l.quantity, 0) AS reserved
            FROM (
                SELECT i.order_id, i.sku, sum(i.quantity) AS quantity
                FROM order_items i JOIN orders o ON o.id = i.order_id
                WHERE o.status = ANY(:confirmed) GROUP BY i.order_id, i.sku
            ) i FULL JOIN (
                SELECT l.order_id, l.sku, sum(l.quantity) AS quantity
                FROM reservation_lines l JOIN orders o ON o.id = l.order_id
                WHERE o.status = ANY(:confirmed) AND l.status IN ('committed', 'consumed')
                GROUP BY l.order_id, l.sku
            ) l USING (order_id, sku)
            WHERE coalesce(i.quantity, 0) <> coalesce(l.quantity, 0)""",
    ),
    Invariant(
        name="ended_order_holds_no_stock",
        number=6,
        promise="a failed, canceled or shipped order has no open line, but for goods in exchange",
        sql="""
            SELECT l.order_id, o.status AS order_status, l.sku, l.quantity, l.status
            FROM reservation_lines l JOIN orders o ON o.id = l.order_id
            LEFT JOIN shipments s ON s.id = l.shipment_id
            WHERE l.status IN ('held', 'committed')
              AND o.status IN ('failed', 'canceled', 'shipped', 'delivered', 'completed')
              AND (o.status IN ('failed', 'canceled') OR coalesce(s.purpose, 'order') = 'order')""",
    ),
    Invariant(
        name="ended_hold_holds_no_stock",
        number=6,
        promise="only an active hold has open lines of its own",
        sql="""
            SELECT h.id AS hold_id, h.status AS hold_status, l.sku, l.quantity, l.status
            FROM holds h JOIN reservation_lines l ON l.hold_id = h.id
            WHERE h.status <> 'active' AND l.order_id IS NULL
              AND l.status IN ('held', 'committed')""",
    ),
    Invariant(
        name="hold_ends_at_its_deadline",
        number=7,
        promise="nothing is held more than 60 s after its deadline, unless its order is parked",
        sql="""
            SELECT l.hold_id, l.order_id, l.sku, l.expires_at
            FROM reservation_lines l LEFT JOIN orders o ON o.id = l.order_id
            WHERE l.status = 'held' AND l.expires_at < now() - CAST(:late AS interval)
              AND o.waiting_for IS NULL
            UNION ALL
            SELECT id, order_id, NULL, expires_at FROM holds
            WHERE status = 'active' AND expires_at < now() - CAST(:late AS interval)""",
    ),
)
