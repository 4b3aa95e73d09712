"""What must be true of goods that came back."""

from __future__ import annotations

from models.repositories.invariants.invariant import Invariant

RETURNS = (
    Invariant(
        name="returned_is_inspected",
        number=1,
        promise="returned units are those of inspected returns and of parcels that were refunded",
        sql="""
            SELECT i.order_id, i.id AS item_id, i.returned_quantity,
                   coalesce(r.units, 0) AS inspected, coalesce(f.units, 0) AS refunded
            FROM order_items i LEFT JOIN (
                SELECT ri.item_id, sum(ri.sellable_quantity + ri.damaged_quantity) AS units
                FROM return_items ri JOIN returns r ON r.id = ri.return_id
                WHERE r.status IN ('inspected', 'refunded') GROUP BY ri.item_id
            ) r ON r.item_id = i.id LEFT JOIN (
                SELECT one.item_id, sum(one.quantity) AS units
                FROM refunds JOIN shipments s ON s.id = refunds.shipment_id,
                    jsonb_to_recordset(refunds.items) AS one (item_id text, quantity int)
                WHERE s.status <> 'canceled' GROUP BY one.item_id
            ) f ON f.item_id = i.id
            WHERE i.returned_quantity <> coalesce(r.units, 0) + coalesce(f.units, 0)""",
    ),
    Invariant(
        name="returned_was_delivered",
        number=1,
        promise="no more units are returned, or about to be, than were delivered",
        sql="""
            SELECT r.order_id, r.item_id, r.units AS returned, coalesce(d.units, 0) AS delivered
            FROM (
                SELECT r.order_id, ri.item_id, sum(
                    CASE WHEN r.status IN ('inspected', 'refunded')
                         THEN ri.sellable_quantity + ri.damaged_quantity
                         ELSE ri.quantity END) AS units
                FROM return_items ri JOIN returns r ON r.id = ri.return_id
                WHERE r.status NOT IN ('rejected', 'expired') GROUP BY r.order_id, ri.item_id
            ) r LEFT JOIN (
                SELECT si.item_id, sum(si.quantity) AS units
                FROM shipment_items si JOIN shipments s ON s.id = si.shipment_id
                WHERE s.status = 'delivered' GROUP BY si.item_id
            ) d USING (item_id)
            WHERE r.units > coalesce(d.units, 0)""",
    ),
    Invariant(
        name="returned_goods_are_in_the_ledger",
        number=1,
        promise="what an inspected return brought back was moved in, what was damaged out again",
        sql="""
            SELECT r.id AS return_id, i.came, i.sellable, coalesce(m.came, 0) AS moved_in,
                   coalesce(m.left_over, 0) AS stayed
            FROM returns r JOIN (
                SELECT return_id, sum(sellable_quantity + damaged_quantity) AS came,
                       sum(sellable_quantity) AS sellable
                FROM return_items GROUP BY return_id
            ) i ON i.return_id = r.id LEFT JOIN (
                SELECT split_part(reference, ':', 2) AS return_id,
                       sum(delta) FILTER (WHERE delta > 0) AS came, sum(delta) AS left_over
                FROM stock_movements WHERE starts_with(reference, 'return:') GROUP BY 1
            ) m ON m.return_id = r.id
            WHERE (coalesce(m.came, 0), coalesce(m.left_over, 0)) IS DISTINCT FROM
                  CASE WHEN r.status IN ('inspected', 'refunded') THEN (i.came, i.sellable)
                       ELSE (0::bigint, 0::bigint) END""",
    ),
    Invariant(
        name="settled_return_has_its_refund",
        number=5,
        promise="a return that says what it refunds has a refund of that amount, and no other",
        sql="""
            SELECT r.id AS return_id, r.order_id, r.status, r.refund_amount, f.amount, f.status
            FROM returns r LEFT JOIN refunds f ON f.id = r.refund_id AND f.return_id = r.id
            WHERE r.refund_amount <> coalesce(f.amount, 0)
               OR (r.refund_id IS NOT NULL AND r.status NOT IN ('inspected', 'refunded'))
               OR EXISTS (SELECT FROM refunds x
                          WHERE x.return_id = r.id AND x.id <> r.refund_id
                            AND x.status <> 'failed')
               OR (r.status = 'refunded' AND f.status = 'pending')""",
    ),
    Invariant(
        name="return_refunds_what_its_goods_cost",
        number=5,
        promise="the returns of an order refund at most what their goods and the shipping cost",
        sql="""
            SELECT o.id AS order_id, r.refunded, i.worth
            FROM orders o JOIN (
                SELECT order_id, sum(refund_amount) AS refunded FROM returns GROUP BY order_id
            ) r ON r.order_id = o.id JOIN (
                SELECT i.order_id, sum(i.total_amount - i.discount_amount
                    + CASE WHEN o.tax_included THEN 0 ELSE i.tax_amount END) AS worth
                FROM order_items i JOIN orders o ON o.id = i.order_id
                WHERE i.returned_quantity > 0 GROUP BY i.order_id
            ) i ON i.order_id = o.id
            WHERE r.refunded > i.worth + o.shipping_amount - o.shipping_discount_amount
                + CASE WHEN o.tax_included THEN 0 ELSE o.shipping_tax_amount END""",
    ),
)
