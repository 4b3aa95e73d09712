"""What must be true of carts."""

from __future__ import annotations

from models.repositories.invariants.invariant import Invariant

CARTS = (
    Invariant(
        name="cart_has_its_order",
        number=4,
        promise="an ordered cart has an order, or the draft of one, of its own customer",
        sql="""
            SELECT c.id AS cart_id, c.order_id
            FROM carts c LEFT JOIN checkout_drafts d ON d.order_id = c.order_id
            WHERE c.status = 'ordered'
              AND (d.order_id IS NULL OR d.customer_id <> c.customer_id)""",
    ),
    Invariant(
        name="cart_is_ordered_once",
        number=4,
        promise="a cart becomes one order at most that does not fail",
        sql="""
            SELECT customer_id AS id, count(*) AS times FROM orders
            WHERE starts_with(customer_id, 'crt_') AND status <> 'failed'
            GROUP BY customer_id HAVING count(*) > 1
            UNION ALL
            SELECT order_id, count(*) FROM carts WHERE status = 'ordered'
            GROUP BY order_id HAVING count(*) > 1""",
    ),
    Invariant(
        name="guest_can_be_written_to",
        number=4,
        promise="an order without an account has an e-mail address",
        sql="""
            SELECT id AS order_id FROM orders
            WHERE starts_with(customer_id, 'crt_') AND email IS NULL""",
    ),
)
