"""What must be true of disputes, and of the money that banks have taken back."""

from __future__ import annotations

from models.repositories.invariants.invariant import Invariant

DISPUTES = (
    Invariant(
        name="disputed_is_disputes",
        number=3,
        promise="disputed_amount is what banks took back and have not given back",
        sql="""
            SELECT p.id AS payment_id, p.order_id, p.disputed_amount,
                   coalesce(d.amount, 0) AS disputes
            FROM payments p LEFT JOIN (
                SELECT payment_id, sum(amount) AS amount FROM disputes
                WHERE withdrawn AND status <> 'won' GROUP BY payment_id
            ) d ON d.payment_id = p.id
            WHERE p.disputed_amount <> coalesce(d.amount, 0)""",
    ),
    Invariant(
        name="dispute_marks_its_payment",
        number=10,
        promise="a payment is in dispute while its money is contested, and only then",
        sql="""
            SELECT p.id AS payment_id, p.order_id, p.status
            FROM payments p
            WHERE (p.status = 'disputed') <> EXISTS (
                SELECT FROM disputes d WHERE d.payment_id = p.id AND NOT d.inquiry
                  AND d.status IN ('needs_response', 'under_review'))""",
    ),
    Invariant(
        name="dispute_is_of_its_payment",
        number=4,
        promise="a dispute is about a payment of its own order, in its currency",
        sql="""
            SELECT d.id AS dispute_id, d.order_id, d.payment_id
            FROM disputes d JOIN payments p ON p.id = d.payment_id
            WHERE (d.order_id, d.currency, d.provider) <> (p.order_id, p.currency, p.provider)""",
    ),
    Invariant(
        name="held_within_dispute",
        number=5,
        promise="vendors bear no more than what is disputed, and nothing of an inquiry",
        sql="""
            SELECT d.id AS dispute_id, d.amount, h.amount AS held FROM disputes d JOIN LATERAL (
                SELECT sum(CAST(one.part ->> 'amount' AS bigint)) AS amount,
                       min(CAST(one.part ->> 'amount' AS bigint)) AS least
                FROM jsonb_array_elements(d.held) AS one (part)
            ) h ON h.amount IS NOT NULL
            WHERE h.amount > d.amount OR h.least <= 0 OR d.inquiry""",
    ),
    Invariant(
        name="ledger_holds_open_disputes",
        number=5,
        promise="the ledger's account of disputes is what banks hold until they decide",
        sql="""
            SELECT holder AS provider, currency, sum(amount) AS off FROM (
                SELECT e.holder, e.currency, e.amount FROM ledger_entries e
                WHERE e.account = 'disputes'
                UNION ALL
                SELECT provider, currency, -amount FROM disputes
                WHERE withdrawn AND status IN ('needs_response', 'under_review')
            ) both_sides GROUP BY holder, currency HAVING sum(amount) <> 0""",
    ),
    Invariant(
        name="ledger_holds_shares_back",
        number=5,
        promise="what the ledger holds back from a vendor are its shares of open disputes",
        sql="""
            SELECT vendor_id, currency, sum(amount) AS off FROM (
                SELECT e.holder AS vendor_id, e.currency, e.amount FROM ledger_entries e
                WHERE e.account = 'vendor_held'
                UNION ALL
                SELECT one.part ->> 'vendor_id', d.currency,
                       CAST(one.part ->> 'amount' AS bigint)
                FROM disputes d CROSS JOIN LATERAL jsonb_array_elements(d.held) AS one (part)
                WHERE d.status IN ('needs_response', 'under_review')
            ) both_sides GROUP BY vendor_id, currency HAVING sum(amount) <> 0""",
    ),
    Invariant(
        name="dispute_shows_its_end",
        number=10,
        promise="a dispute that is decided says when and is in the timeline; an open one is not",
        sql="""
            SELECT d.id AS dispute_id, d.status, d.closed_at FROM disputes d
            WHERE (d.status IN ('won', 'lost')) <> (d.closed_at IS NOT NULL)
               OR (d.status = 'under_review' AND d.evidence_submitted_at IS NULL)
               OR NOT EXISTS (
                   SELECT FROM order_timeline t
                   WHERE t.order_id = d.order_id AND t.type = CASE
                       WHEN d.status IN ('won', 'lost') THEN 'dispute.' || d.status
                       ELSE 'dispute.opened' END)""",
    ),
)
