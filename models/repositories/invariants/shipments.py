"""What must be true of parcels."""

from __future__ import annotations

from models.repositories.invariants.invariant import Invariant

SHIPMENTS = (
    Invariant(
        name="shipments_share_the_total",
        number=5,
        promise="the shares that an order's shipments capture add up to its total",
        sql="""
            SELECT o.id AS order_id, o.total_amount, sum(s.capture_amount) AS shares
            FROM orders o JOIN shipments s ON s.order_id = o.id
            WHERE o.status <> 'canceled' AND s.status <> 'canceled' AND s.purpose = 'order'
            GROUP BY o.id HAVING sum(s.capture_amount) > o.total_amount
                OR sum(s.capture_amount) < o.total_amount
                   AND NOT EXISTS (SELECT FROM backorders b
                                   WHERE b.order_id = o.id AND b.status = 'waiting')
                   AND NOT EXISTS (SELECT FROM reservation_lines l
                                   WHERE l.order_id = o.id AND l.status = 'committed'
                                     AND l.shipment_id IS NULL)""",
    ),
    Invariant(
        name="shipments_carry_every_item",
        number=5,
        promise="the shipments of an order carry exactly its items that do not wait for stock",
        sql="""
            SELECT i.order_id, i.id AS item_id, i.quantity, coalesce(p.quantity, 0) AS shipped
            FROM order_items i JOIN orders o ON o.id = i.order_id LEFT JOIN (
                SELECT si.item_id, sum(si.quantity) AS quantity
                FROM shipment_items si JOIN shipments s ON s.id = si.shipment_id
                WHERE s.status <> 'canceled' AND s.purpose <> 'replacement' GROUP BY si.item_id
            ) p ON p.item_id = i.id
            LEFT JOIN LATERAL (
                SELECT sum(quantity) AS quantity FROM (
                    SELECT quantity FROM backorders b
                    WHERE b.order_id = i.order_id AND b.sku = i.sku AND b.status = 'waiting'
                    UNION ALL
                    SELECT quantity FROM reservation_lines l
                    WHERE l.order_id = i.order_id AND l.sku = i.sku AND l.status = 'committed'
                      AND l.shipment_id IS NULL
                ) u WHERE i.kind = 'ordered'
            ) unsent ON true
            WHERE i.quantity <> coalesce(p.quantity, 0) + coalesce(unsent.quantity, 0)
              AND o.status <> 'canceled'
              AND EXISTS (SELECT FROM shipments s
                          WHERE s.order_id = i.order_id AND s.status <> 'canceled'
                            AND s.purpose = 'order')""",
    ),
    Invariant(
        name="nothing_leaves_unpaid",
        number=3,
        promise="a parcel that was handed over has its capture",
        sql="""
            SELECT s.order_id, s.id AS shipment_id, s.status, s.capture_amount
            FROM shipments s
            WHERE s.status = ANY(:gone) AND s.capture_amount <> (
                SELECT coalesce(sum(c.amount), 0)
                FROM captures c JOIN payments p ON p.id = c.payment_id
                WHERE p.order_id = s.order_id AND c.number = s.number
                  AND c.status = 'captured')""",
    ),
    Invariant(
        name="order_shows_its_shipments",
        number=10,
        promise="fulfillment_status of an order is that of its shipments",
        sql="""
            SELECT o.id AS order_id, o.fulfillment_status, s.parcels, s.gone
            FROM orders o JOIN (
                SELECT order_id, count(*) + (
                           SELECT count(*) FROM backorders b
                           WHERE b.order_id = s.order_id AND b.status = 'waiting'
                       ) + (
                           SELECT count(*) FROM reservation_lines l
                           WHERE l.order_id = s.order_id AND l.status = 'committed'
                             AND l.shipment_id IS NULL
                       ) AS parcels,
                       count(*) FILTER (WHERE status = ANY(:gone)) AS gone
                FROM shipments s WHERE status <> 'canceled' AND purpose = 'order' GROUP BY order_id
            ) s ON s.order_id = o.id
            WHERE (o.fulfillment_status = 'unfulfilled') <> (s.gone = 0)
               OR (o.fulfillment_status = 'partially_shipped')
                  <> (s.gone > 0 AND s.gone < s.parcels)""",
    ),
    Invariant(
        name="parcel_is_reserved",
        number=1,
        promise="what is in a parcel is reserved for it until it leaves, unit by unit",
        sql="""
            SELECT shipment_id, sku, coalesce(i.quantity, 0) AS packed,
                   coalesce(l.quantity, 0) AS reserved
            FROM (
                SELECT i.shipment_id, i.sku, sum(i.quantity) AS quantity
                FROM shipment_items i JOIN shipments s ON s.id = i.shipment_id
                WHERE s.status <> 'canceled' GROUP BY i.shipment_id, i.sku
            ) i FULL JOIN (
                SELECT l.shipment_id, l.sku, sum(l.quantity) AS quantity
                FROM reservation_lines l
                JOIN shipments s ON s.id = l.shipment_id JOIN orders o ON o.id = s.order_id
                WHERE l.status IN ('held', 'committed', 'consumed')
                  -- A canceled order gives its stock back when its money is let go, not before.
                  AND NOT (s.status = 'canceled' AND o.status <> 'canceled'
                           AND o.cancel_requested_at IS NOT NULL)
                GROUP BY l.shipment_id, l.sku
            ) l USING (shipment_id, sku)
            WHERE coalesce(i.quantity, 0) <> coalesce(l.quantity, 0)""",
    ),
    Invariant(
        name="canceled_parcel_stays",
        number=6,
        promise="a parcel that is canceled was never handed over",
        sql="""
            SELECT order_id, id AS shipment_id, handed_over_at FROM shipments
            WHERE status = 'canceled' AND handed_over_at IS NOT NULL""",
    ),
    Invariant(
        name="replacement_is_free",
        number=3,
        promise="a parcel in place of one that did not arrive costs nothing, and names that one",
        sql="""
            SELECT s.order_id, s.id AS shipment_id, s.capture_amount, s.replaces_id
            FROM shipments s
            WHERE s.purpose = 'replacement' AND (s.capture_amount <> 0 OR NOT EXISTS (
                SELECT FROM shipments r WHERE r.id = s.replaces_id AND r.order_id = s.order_id))""",
    ),
)
