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
        promise="nothing is captured without a committed reservation",
        sql="""
            SELECT p.id AS payment_id, p.order_id, p.captured_amount FROM payments p
            WHERE p.captured_amount > 0 AND NOT EXISTS (
                SELECT FROM reservation_lines l
                WHERE l.order_id = p.order_id AND l.status IN ('committed', 'consumed'))""",
    ),
    Invariant(
        name="captured_is_captures",
        number=3,
        promise="captured_amount is the sum of the captures",
        sql="""
            SELECT p.id AS payment_id, p.order_id, p.captured_amount,
                   coalesce(c.amount, 0) AS captures
            FROM payments p LEFT JOIN (
                SELECT payment_id, sum(amount) AS amount FROM captures GROUP BY payment_id
            ) c ON c.payment_id = p.id
            WHERE p.captured_amount <> coalesce(c.amount, 0)""",
    ),
    Invariant(
        name="captured_is_complete",
        number=5,
        promise="a captured payment has the shares of every parcel",
        sql="""
            SELECT p.id AS payment_id, p.order_id, p.captured_amount,
                   sum(s.capture_amount) AS shares
            FROM payments p JOIN shipments s
              ON s.order_id = p.order_id AND s.status <> 'canceled'
            WHERE p.status = 'captured'
            GROUP BY p.id HAVING p.captured_amount <> sum(s.capture_amount)""",
    ),
    Invariant(
        name="confirmed_order_is_paid",
        number=3,
        promise="a confirmed order has exactly one authorized payment, of its total",
        sql="""
            SELECT o.id AS order_id, o.status, o.total_amount, o.currency,
                   count(p.id) AS payments, sum(p.amount) AS paid
            FROM orders o LEFT JOIN payments p
              ON p.order_id = o.id AND p.status = ANY(:paid) AND p.currency = o.currency
             AND p.authorized_amount > 0
            WHERE o.status = ANY(:confirmed)
            GROUP BY o.id HAVING count(p.id) <> 1 OR sum(p.amount) <> o.total_amount""",
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
              AND p.status NOT IN ('pending', 'voided', 'failed', 'refunded')""",
    ),
    Invariant(
        name="order_shows_its_payment",
        number=10,
        promise="payment_status of an order is that of its latest payment, or follows in a moment",
        sql="""
            SELECT o.id AS order_id, o.payment_status, p.status AS payment
            FROM orders o JOIN LATERAL (
                SELECT status FROM payments WHERE order_id = o.id ORDER BY attempt DESC LIMIT 1
            ) p ON true
            WHERE o.payment_status <> p.status
              AND NOT (p.status IN ('unknown', 'requires_action')
                       AND o.payment_status IN ('pending', 'requires_action'))
        """,
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
