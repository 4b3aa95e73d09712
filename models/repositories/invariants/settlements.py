"""What must be true of settlements and the ledger that they pay from."""

from __future__ import annotations

from models.repositories.invariants.invariant import Invariant

SETTLEMENTS = (
    Invariant(
        name="settlement_is_its_lines",
        number=5,
        promise="a settlement is the sum of its lines, and of its parts; a canceled one has none",
        sql="""
            SELECT s.id AS settlement_id, s.status, s.amount,
                coalesce(sum(l.amount), 0) AS lines, count(l.posting_key) AS line_count
            FROM settlements s LEFT JOIN settlement_lines l ON l.settlement_id = s.id
            GROUP BY s.id
            HAVING s.amount <= 0
                OR s.amount <> s.sales_amount + s.refunds_amount + s.disputes_amount
                    + s.adjustments_amount - s.commission_amount
                OR CASE s.status WHEN 'canceled' THEN count(l.posting_key) > 0
                    ELSE s.amount <> coalesce(sum(l.amount), 0) END""",
    ),
    Invariant(
        name="line_is_its_entry",
        number=5,
        promise="a line is an entry of what its vendor is owed, and not a transfer",
        sql="""
            SELECT l.settlement_id, l.posting_key, l.position, l.amount, e.amount AS entry_amount
            FROM settlement_lines l
            JOIN settlements s ON s.id = l.settlement_id
            JOIN ledger_entries e ON e.posting_key = l.posting_key AND e.position = l.position
            JOIN ledger_postings p ON p.key = l.posting_key
            WHERE l.amount <> -e.amount OR e.account <> 'vendor_payable'
                OR e.holder <> s.vendor_id OR e.currency <> s.currency
                OR l.kind <> p.kind OR l.order_id IS DISTINCT FROM p.order_id
                OR p.kind IN ('transfer', 'transfer_failed')""",
    ),
    Invariant(
        name="entry_is_settled_once",
        number=5,
        promise="no entry of the ledger is in two settlements",
        sql="""
            SELECT posting_key, position, count(*) AS settlements
            FROM settlement_lines GROUP BY posting_key, position HAVING count(*) > 1""",
    ),
    Invariant(
        name="paid_settlement_is_posted",
        number=5,
        promise="the ledger has paid a vendor what its settlement says, when the provider has it",
        sql="""
            SELECT s.id AS settlement_id, s.status, s.amount, coalesce(sum(e.amount), 0) AS posted
            FROM settlements s
            LEFT JOIN ledger_postings p ON p.reference = s.id
                AND p.kind IN ('transfer', 'transfer_failed')
            LEFT JOIN ledger_entries e ON e.posting_key = p.key
                AND e.account = 'vendor_payable' AND e.holder = s.vendor_id
            GROUP BY s.id
            HAVING coalesce(sum(e.amount), 0) <> CASE
                WHEN s.status = 'paid' THEN s.amount
                WHEN s.status = 'paying' AND s.provider_transfer_id IS NOT NULL THEN s.amount
                ELSE 0 END""",
    ),
    Invariant(
        name="settlement_is_approved",
        number=10,
        promise="as many people as it takes have approved a settlement, not only who drew it up",
        sql="""
            SELECT s.id AS settlement_id, s.status, s.approvals_needed, count(a.actor) AS approvals
            FROM settlements s LEFT JOIN settlement_approvals a ON a.settlement_id = s.id
            WHERE s.status IN ('approved', 'paying', 'paid', 'failed')
            GROUP BY s.id
            HAVING count(a.actor) < s.approvals_needed
                OR (s.approvals_needed > 0 AND bool_and(a.actor = s.created_by))""",
    ),
)
