"""What must be true of payments and of what orders cost."""

from __future__ import annotations

from models.repositories.invariants.invariant import Invariant

MONEY = (
    Invariant(
        name="payment_within_bounds",
        number=3,
        promise="captured is at most authorized, refunded at most captured, none above the amount",
        sql="""
            SELECT id AS payment_id, order_id, amount, authorized_amount, captured_amount,
                   refunded_amount
            FROM payments
            WHERE captured_amount NOT BETWEEN 0 AND authorized_amount
               OR refunded_amount NOT BETWEEN 0 AND captured_amount
               OR authorized_amount > amount""",
    ),
    Invariant(
        name="captured_has_reservation",
        number=3,
        promise="nothing is captured without a committed reservation, or it is being given back",
        sql="""
            SELECT p.id AS payment_id, p.order_id, p.captured_amount FROM payments p
            WHERE p.captured_amount > 0 AND NOT EXISTS (
                SELECT FROM reservation_lines l
                WHERE l.order_id = p.order_id AND l.status IN ('committed', 'consumed'))
              AND NOT EXISTS (
                SELECT FROM refunds f JOIN shipments s ON s.id = f.shipment_id
                WHERE f.order_id = p.order_id AND s.status = 'canceled')""",
    ),
    Invariant(
        name="captured_is_captures",
        number=3,
        promise="captured_amount is the sum of the captures",
        sql="""
            SELECT p.id AS payment_id, p.order_id, p.captured_amount,
                   coalesce(c.amount, 0) AS captures
            FROM payments p LEFT JOIN (
                SELECT payment_id, sum(amount) AS amount FROM captures
                WHERE status = 'captured' GROUP BY payment_id
            ) c ON c.payment_id = p.id
            WHERE p.captured_amount <> coalesce(c.amount, 0)""",
    ),
    Invariant(
        name="planned_within_authorized",
        number=3,
        promise="what is captured and planned of a payment that is alive is authorized",
        sql="""
            SELECT p.id AS payment_id, p.order_id, p.authorized_amount, sum(c.amount) AS captures
            FROM payments p JOIN captures c ON c.payment_id = p.id
            WHERE p.status NOT IN ('voided', 'failed')
            GROUP BY p.id
            HAVING sum(c.amount) > p.authorized_amount AND bool_or(c.status = 'planned')""",
    ),
    Invariant(
        name="payment_shows_its_amounts",
        number=5,
        promise="a payment's status is what its amounts say",
        sql="""
            SELECT id AS payment_id, order_id, status, authorized_amount, captured_amount,
                   refunded_amount, disputed_amount
            FROM payments
            WHERE status <> 'disputed' AND CASE
                WHEN captured_amount = 0 THEN
                    status IN ('partially_captured', 'captured', 'partially_refunded', 'refunded')
                ELSE status <> CASE
                    WHEN refunded_amount + disputed_amount >= captured_amount
                        AND authorized_amount = captured_amount THEN 'refunded'
                    WHEN refunded_amount + disputed_amount > 0 THEN 'partially_refunded'
                    WHEN authorized_amount > captured_amount THEN 'partially_captured'
                    ELSE 'captured' END
                END""",
    ),
    Invariant(
        name="confirmed_order_is_paid",
        number=3,
        promise="payments hold or took what a confirmed order costs, unless one is gone",
        sql="""
            SELECT o.id AS order_id, o.status, o.currency, o.total_amount, s.shares,
                   sum(p.authorized_amount) AS authorized
            FROM orders o LEFT JOIN (
                SELECT order_id, sum(capture_amount) AS shares FROM shipments
                WHERE status <> 'canceled' AND purpose = 'order' GROUP BY order_id
            ) s ON s.order_id = o.id
            LEFT JOIN payments p ON p.order_id = o.id AND p.status = ANY(:paid)
                                AND p.currency = o.currency AND p.authorized_amount > 0
            WHERE o.status = ANY(:confirmed) AND NOT EXISTS (
                SELECT FROM payments gone WHERE gone.order_id = o.id AND (
                    gone.status = 'voided'
                    OR gone.captured_amount > 0 AND gone.authorized_amount = gone.captured_amount
                       AND gone.captured_amount < gone.amount))
            GROUP BY o.id, s.shares
            HAVING coalesce(sum(greatest(p.authorized_amount, p.captured_amount)), 0)
                   < least(o.total_amount, coalesce(s.shares, o.total_amount))""",
    ),
    Invariant(
        name="ended_order_keeps_no_money",
        number=6,
        promise="a failed or canceled order has no payment that is still alive",
        sql="""
            SELECT p.order_id, o.status AS order_status, p.id AS payment_id, p.status,
                   p.captured_amount, p.refunded_amount
            FROM payments p JOIN orders o ON o.id = p.order_id
            WHERE o.status IN ('failed', 'canceled')
              AND p.status NOT IN ('pending', 'voided', 'failed', 'refunded', 'disputed')""",
    ),
    Invariant(
        name="order_shows_its_payment",
        number=10,
        promise="payment_status of an order sums up its payments, or follows in a moment",
        sql="""
            SELECT o.id AS order_id, o.payment_status, p.status AS payments
            FROM orders o JOIN LATERAL (
                SELECT CASE
                    WHEN bool_or(q.status = 'disputed') THEN 'disputed'
                    WHEN sum(q.given_back) > 0 AND sum(q.captured_amount) > 0
                        AND sum(q.given_back) >= sum(q.captured_amount)
                        AND NOT bool_or(q.is_open) THEN 'refunded'
                    WHEN sum(q.given_back) > 0 AND sum(q.captured_amount) > 0
                        THEN 'partially_refunded'
                    WHEN sum(q.captured_amount) > 0 AND bool_or(q.is_open)
                        THEN 'partially_captured'
                    WHEN sum(q.captured_amount) > 0 THEN 'captured'
                    WHEN bool_or(q.status = 'authorized') THEN 'authorized'
                    WHEN bool_or(q.status = 'requires_action') THEN 'requires_action'
                    WHEN bool_or(q.status = 'pending') THEN 'pending'
                    WHEN bool_or(q.status = 'unknown') THEN 'unknown'
                    WHEN bool_or(q.status = 'voided') THEN 'voided'
                    ELSE 'failed' END AS status
                FROM (
                    SELECT *, refunded_amount + disputed_amount AS given_back, CASE
                        WHEN captured_amount > 0 THEN authorized_amount > captured_amount
                        ELSE status IN ('authorized', 'pending', 'requires_action', 'unknown')
                        END AS is_open
                    FROM payments WHERE order_id = o.id
                ) q
            ) p ON true
            WHERE o.payment_status <> p.status
              AND NOT (p.status IN ('unknown', 'requires_action')
                       AND o.payment_status IN ('pending', 'requires_action'))
        """,
    ),
    Invariant(
        name="refunded_is_refunds",
        number=3,
        promise="refunded_amount is the sum of the refunds, and none asks for more than was taken",
        sql="""
            SELECT p.id AS payment_id, p.order_id, p.captured_amount, p.refunded_amount,
                   coalesce(r.given_back, 0) AS given_back, coalesce(r.pending, 0) AS pending
            FROM payments p LEFT JOIN (
                SELECT payment_id,
                       sum(amount) FILTER (WHERE status = 'succeeded') AS given_back,
                       sum(amount) FILTER (WHERE status = 'pending') AS pending
                FROM refund_parts GROUP BY payment_id
            ) r ON r.payment_id = p.id
            WHERE p.refunded_amount <> coalesce(r.given_back, 0)
               OR (r.pending > 0 AND p.refunded_amount + r.pending > p.captured_amount)""",
    ),
    Invariant(
        name="refund_is_its_parts",
        number=4,
        promise="a refund is the sum of its parts and stands as they do",
        sql="""
            SELECT r.id AS refund_id, r.order_id, r.amount, r.status,
                   coalesce(sum(p.amount), 0) AS parts
            FROM refunds r LEFT JOIN refund_parts p ON p.refund_id = r.id
            GROUP BY r.id
            HAVING r.amount <> coalesce(sum(p.amount), 0)
                OR r.status <> CASE
                    WHEN bool_or(p.status = 'pending') THEN 'pending'
                    WHEN bool_and(p.status = 'succeeded') THEN 'succeeded'
                    ELSE 'failed' END""",
    ),
    Invariant(
        name="order_adds_up",
        number=5,
        promise="the items and the shipping of an order add up to its amounts",
        sql="""
            SELECT o.id AS order_id, o.subtotal_amount, o.discount_amount, o.tax_amount,
                   o.total_amount, sum(i.total_amount) AS items,
                   sum(i.discount_amount) + o.shipping_discount_amount AS discount,
                   sum(i.tax_amount) + o.shipping_tax_amount AS tax
            FROM orders o LEFT JOIN order_items i ON i.order_id = o.id AND i.kind = 'ordered'
            GROUP BY o.id
            HAVING count(i.id) = 0
                OR sum(i.total_amount) <> o.subtotal_amount
                OR sum(i.discount_amount) + o.shipping_discount_amount <> o.discount_amount
                OR sum(i.tax_amount) + o.shipping_tax_amount <> o.tax_amount
                OR o.shipping_discount_amount > o.shipping_amount
                OR bool_or(i.total_amount <> i.quantity * i.unit_price_amount
                           OR i.discount_amount > i.total_amount)
                OR o.total_amount <> o.subtotal_amount - o.discount_amount + o.shipping_amount
                    + CASE WHEN o.tax_included THEN 0 ELSE o.tax_amount END""",
    ),
)
