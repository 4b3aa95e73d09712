"""What must be true of the ledger: it balances, and it says what the payments say."""

from __future__ import annotations

from models.repositories.invariants.invariant import Invariant

LEDGER = (
    Invariant(
        name="posting_balances",
        number=5,
        promise="every posting has its entries, in its currency, and they add up to zero",
        sql="""
            SELECT p.key, p.currency, count(e.position) AS entries,
                   coalesce(sum(e.amount), 0) AS off_by
            FROM ledger_postings p LEFT JOIN ledger_entries e ON e.posting_key = p.key
            GROUP BY p.key
            HAVING count(e.position) < 2 OR sum(e.amount) <> 0
                OR NOT bool_and(e.currency = p.currency)""",
    ),
    Invariant(
        name="ledger_has_what_is_authorized",
        number=5,
        promise="the ledger's authorized money of an order is what its payments still hold",
        sql="""
            SELECT order_id, provider, currency, coalesce(b.amount, 0) AS posted,
                   coalesce(p.held, 0) AS held
            FROM (
                SELECT p.order_id, e.holder AS provider, e.currency, sum(e.amount) AS amount
                FROM ledger_entries e JOIN ledger_postings p ON p.key = e.posting_key
                WHERE e.account = 'authorized' GROUP BY p.order_id, e.holder, e.currency
            ) b FULL JOIN (
                SELECT order_id, provider, currency,
                       sum(authorized_amount - captured_amount) AS held
                FROM payments WHERE status NOT IN ('voided', 'failed') AND NOT taken_at_once
                GROUP BY order_id, provider, currency
            ) p USING (order_id, provider, currency)
            WHERE coalesce(b.amount, 0) <> coalesce(p.held, 0)""",
    ),
    Invariant(
        name="ledger_has_what_is_paid",
        number=5,
        promise="an order's money at a provider is what was captured less what was given back",
        # What a provider took at once is there before it is captured.
        sql="""
            SELECT order_id, provider, currency, coalesce(b.amount, 0) AS posted,
                   coalesce(p.there, 0) AS there
            FROM (
                SELECT p.order_id, e.holder AS provider, e.currency, sum(e.amount) AS amount
                FROM ledger_entries e JOIN ledger_postings p ON p.key = e.posting_key
                WHERE e.account = 'provider_balance' AND p.kind IN (
                    'payment', 'authorization_ended', 'capture', 'refund', 'refund_failed',
                    'dispute_opened', 'dispute_won', 'dispute_lost')
                GROUP BY p.order_id, e.holder, e.currency
            ) b FULL JOIN (
                SELECT order_id, provider, currency,
                       sum(CASE WHEN taken_at_once AND status NOT IN ('voided', 'failed')
                                THEN authorized_amount ELSE captured_amount END
                           - refunded_amount - disputed_amount) AS there
                FROM payments GROUP BY order_id, provider, currency
            ) p USING (order_id, provider, currency)
            WHERE coalesce(b.amount, 0) <> coalesce(p.there, 0)""",
    ),
    Invariant(
        name="customer_owes_nothing",
        number=5,
        promise="a customer has paid for what was sent, and nothing but what is not sent yet",
        sql="""
            SELECT order_id, currency, coalesce(b.amount, 0) AS owed,
                   coalesce(p.unsent, 0) AS paid_and_not_sent
            FROM (
                SELECT p.order_id, e.currency, sum(e.amount) AS amount
                FROM ledger_entries e JOIN ledger_postings p ON p.key = e.posting_key
                WHERE e.account = 'customer_receivable' AND p.order_id IS NOT NULL
                GROUP BY p.order_id, e.currency
            ) b FULL JOIN (
                SELECT order_id, currency, sum(authorized_amount - captured_amount) AS unsent
                FROM payments WHERE taken_at_once AND status NOT IN ('voided', 'failed')
                GROUP BY order_id, currency
            ) p USING (order_id, currency)
            WHERE coalesce(b.amount, 0) <> -coalesce(p.unsent, 0)""",
    ),
    Invariant(
        name="vendor_bears_its_own_sales_at_most",
        number=5,
        promise="refunds and disputes of an order never cost a vendor more than it was owed for it",
        sql="""
            SELECT p.order_id, e.holder AS vendor_id, e.currency, sum(e.amount) AS beyond
            FROM ledger_entries e JOIN ledger_postings p ON p.key = e.posting_key
            WHERE e.account IN ('vendor_payable', 'vendor_held') AND p.order_id IS NOT NULL
            GROUP BY p.order_id, e.holder, e.currency HAVING sum(e.amount) > 0""",
    ),
)
