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
        promise="the items of a confirmed order have their lines, or wait for stock, exactly",
        # A parcel in place of a lost one, and one of an exchange, is not what was ordered.
        sql="""
            SELECT order_id, sku, coalesce(i.quantity, 0) AS ordered,
                   coalesce(l.quantity, 0) AS reserved_or_waiting
            FROM (
                SELECT i.order_id, i.sku, sum(i.quantity) AS quantity
                FROM order_items i JOIN orders o ON o.id = i.order_id
                WHERE o.status = ANY(:confirmed) AND i.kind = 'ordered' AND i.quantity > 0
                GROUP BY i.order_id, i.sku
            ) i FULL JOIN (
                SELECT p.order_id, p.sku, sum(p.quantity) AS quantity
                FROM (
                    SELECT l.order_id, l.sku, l.quantity
                    FROM reservation_lines l LEFT JOIN shipments s ON s.id = l.shipment_id
                    WHERE l.status IN ('committed', 'consumed')
                      AND coalesce(s.purpose, 'order') = 'order'
                    UNION ALL
                    SELECT order_id, sku, quantity FROM backorders WHERE status = 'waiting'
                ) p JOIN orders o ON o.id = p.order_id
                WHERE o.status = ANY(:confirmed)
                GROUP BY p.order_id, p.sku
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
        name="ended_order_waits_for_nothing",
        number=6,
        promise="only an order that is under way waits for stock",
        sql="""
            SELECT b.order_id, o.status AS order_status, b.sku, b.number, b.quantity
            FROM backorders b LEFT JOIN orders o ON o.id = b.order_id
            WHERE b.status = 'waiting' AND (o.id IS NULL
              OR o.status NOT IN ('pending', 'requires_action', 'confirmed', 'processing'))""",
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
    Invariant(
        name="transfer_is_its_movements",
        number=1,
        promise="the units of a transfer have left, and are in again when it has ended",
        sql="""
            SELECT coalesce(t.id, m.id) AS transfer_id, coalesce(t.sku, m.sku) AS sku, t.status,
                   t.quantity, m.gone, m.arrived, m.back
            FROM (
                SELECT t.id, t.status, item ->> 'sku' AS sku,
                       CAST(item ->> 'quantity' AS bigint) AS quantity
                FROM stock_transfers t, jsonb_array_elements(t.items) AS item
            ) t FULL JOIN (
                SELECT split_part(reference, ':', 2) AS id, sku,
                       -sum(delta) FILTER (WHERE reason = 'transfer_out') AS gone,
                       sum(delta) FILTER (WHERE reason = 'transfer_in') AS arrived,
                       sum(delta) FILTER (WHERE reason = 'transfer_back') AS back
                FROM stock_movements WHERE starts_with(reference, 'transfer:')
                GROUP BY split_part(reference, ':', 2), sku
            ) m ON m.id = t.id AND m.sku = t.sku
            WHERE m.gone IS DISTINCT FROM t.quantity
               OR coalesce(m.arrived, 0)
                  <> CASE t.status WHEN 'received' THEN t.quantity ELSE 0 END
               OR coalesce(m.back, 0)
                  <> CASE t.status WHEN 'canceled' THEN t.quantity ELSE 0 END""",
    ),
    Invariant(
        name="stock_alerts_are_told",
        number=8,
        promise="the alerts of a variant count from 1, low and recovered in turn",
        sql="""
            SELECT v.id AS variant_id, v.stock_alerts, count(e.sequence) AS events
            FROM variants v LEFT JOIN outbox e ON e.aggregate_id = v.id
            GROUP BY v.id
            HAVING count(e.sequence) <> v.stock_alerts
                OR coalesce(max(e.sequence), 0) <> v.stock_alerts
                OR bool_or(e.type <> CASE e.sequence % 2 WHEN 1 THEN 'stock.low'
                           ELSE 'stock.recovered' END)""",
    ),
)
