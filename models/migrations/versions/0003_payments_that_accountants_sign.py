"""payments that accountants sign"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from models.migrations.opening_postings import carry_over

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


MUST_BALANCE = """
CREATE FUNCTION perdure_posting_must_balance() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
  of_posting text;
  entries bigint;
  off numeric;
BEGIN
  IF TG_TABLE_NAME = 'ledger_postings' THEN
    of_posting := NEW.key;
  ELSE
    of_posting := NEW.posting_key;
  END IF;
  SELECT count(*) FILTER (WHERE e.position IN (0, 1)), coalesce(sum(e.amount), 0)
      + CASE WHEN bool_and(e.currency = p.currency) THEN 0 ELSE 'NaN'::numeric END
    INTO entries, off
    FROM ledger_postings p JOIN ledger_entries e ON e.posting_key = p.key
    WHERE p.key = of_posting;
  IF entries < 2 OR off <> 0 THEN
    RAISE EXCEPTION 'posting % does not balance: % entries, off by %', of_posting, entries, off
      USING ERRCODE = 'PD003';
  END IF;
  RETURN NULL;
END $$
"""
"""At the commit: every posting has two entries at least, in its currency, and they add up to 0.

Each has a first and a second entry, so those can only come with the posting, which is checked
itself: they need no check of their own, and the postings of the checkout have no others.
"""

UNANSWERED = ("captures", "refund_parts")
LEDGER = ("ledger_postings", "ledger_entries")


def upgrade() -> None:
    op.create_table(
        "event_polls",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("polled_until_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("filled", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_event_polls")),
    )
    op.create_table(
        "ledger_postings",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("order_id", sa.String(), nullable=True),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column(
            "posted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint(
            "kind IN ('authorization', 'authorization_ended', 'payment', 'capture', 'refund', 'refund_failed', 'dispute_opened', 'dispute_won', 'dispute_lost', 'fee', 'transfer', 'transfer_failed', 'payout', 'adjustment')",
            name=op.f("ck_ledger_postings_kind_known"),
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_ledger_postings")),
    )
    op.create_index("ix_ledger_postings_order_id", "ledger_postings", ["order_id"], unique=False)
    op.create_index(
        "ix_ledger_postings_posted_at", "ledger_postings", ["posted_at", "key"], unique=False
    )
    op.create_table(
        "provider_transactions",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("provider_payment_id", sa.String(), nullable=True),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("fee", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("provider", "id", name=op.f("pk_provider_transactions")),
    )
    op.create_index(
        "ix_provider_transactions_occurred_at",
        "provider_transactions",
        ["provider", "occurred_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_provider_transactions_payment",
        "provider_transactions",
        ["provider", "provider_payment_id"],
        unique=False,
    )
    op.create_index(
        "ix_provider_transactions_unposted",
        "provider_transactions",
        ["provider", "id"],
        unique=False,
        postgresql_where=sa.text("posted_at IS NULL"),
    )
    op.create_table(
        "reconciliations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("window_start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_end_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cursor", sa.String(), nullable=True),
        sa.Column("transactions", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("payments", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("found", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("repaired", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('running', 'done', 'failed')", name=op.f("ck_reconciliations_status_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliations")),
    )
    op.create_index(
        "ix_reconciliations_provider", "reconciliations", ["provider", "id"], unique=False
    )
    op.create_table(
        "commission_rules",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("vendor_id", sa.String(), nullable=True),
        sa.Column("category_id", sa.String(), nullable=True),
        sa.Column("basis_points", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "basis_points BETWEEN 0 AND 10000", name=op.f("ck_commission_rules_is_a_share")
        ),
        sa.ForeignKeyConstraint(
            ["category_id"], ["categories.id"], name=op.f("fk_commission_rules_category_id")
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name=op.f("fk_commission_rules_vendor_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commission_rules")),
    )
    op.create_index(
        "uq_commission_rules_target",
        "commission_rules",
        [
            sa.literal_column("coalesce(vendor_id, '')"),
            sa.literal_column("coalesce(category_id, '')"),
        ],
        unique=True,
        postgresql_where=sa.text("active"),
    )
    op.create_table(
        "differences",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("repair", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=True),
        sa.Column("payment_id", sa.String(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("found_in", sa.String(), nullable=False),
        sa.Column("seen_in", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("resolution", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column(
            "found_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('unknown_payment', 'unwanted_payment', 'missing_payment', 'state', 'lost_capture', 'captured_amount', 'refunded_amount', 'unknown_refund', 'amount', 'currency', 'unknown_dispute', 'dispute_state', 'unknown_transfer', 'missing_transfer', 'unprocessed_event', 'missed_event', 'lost_workflow', 'balance')",
            name=op.f("ck_differences_kind_known"),
        ),
        sa.CheckConstraint(
            "repair IN ('sync_payment', 'void_payment', 'resume_capture', 'open_dispute', 'drive_event', 'restart_workflow', 'book_adjustment', 'by_hand')",
            name=op.f("ck_differences_repair_known"),
        ),
        sa.CheckConstraint(
            "status IN ('open', 'repairing', 'repaired', 'resolved')",
            name=op.f("ck_differences_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["found_in"], ["reconciliations.id"], name=op.f("fk_differences_found_in")
        ),
        sa.ForeignKeyConstraint(
            ["seen_in"], ["reconciliations.id"], name=op.f("fk_differences_seen_in")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_differences")),
    )
    op.create_table(
        "reconciliation_payments",
        sa.Column("reconciliation_id", sa.String(), nullable=False),
        sa.Column("provider_payment_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reconciliation_id"],
            ["reconciliations.id"],
            name=op.f("fk_reconciliation_payments_reconciliation_id"),
        ),
        sa.PrimaryKeyConstraint(
            "reconciliation_id", "provider_payment_id", name=op.f("pk_reconciliation_payments")
        ),
    )
    op.create_index("ix_differences_order_id", "differences", ["order_id"], unique=False)
    op.create_index("ix_differences_status", "differences", ["status", "id"], unique=False)
    op.create_index(
        "uq_differences_open",
        "differences",
        ["provider", "kind", "subject"],
        unique=True,
        postgresql_where=sa.text("status IN ('open', 'repairing')"),
    )
    op.create_table(
        "ledger_entries",
        sa.Column("posting_key", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("item_id", sa.String(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column(
            "posted_on",
            sa.Date(),
            server_default=sa.text("(now() AT TIME ZONE 'UTC')::date"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "account IN ('authorized', 'authorizations', 'provider_balance', 'customer_receivable', 'vendor_payable', 'vendor_held', 'commission', 'shipping', 'tax', 'provider_fees', 'refunds', 'disputes', 'dispute_losses', 'bank', 'suspense')",
            name=op.f("ck_ledger_entries_account_known"),
        ),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_ledger_entries_amount_not_zero")),
        sa.ForeignKeyConstraint(
            ["posting_key"], ["ledger_postings.key"], name=op.f("fk_ledger_entries_posting_key")
        ),
        sa.PrimaryKeyConstraint("posting_key", "position", name=op.f("pk_ledger_entries")),
    )
    op.create_index(
        "ix_ledger_entries_balance",
        "ledger_entries",
        ["account", "holder", "currency", "posted_on"],
        unique=False,
        postgresql_include=["amount"],
    )
    op.create_table(
        "settlements",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("vendor_id", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("period_start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("period_end_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("sales_amount", sa.BigInteger(), nullable=False),
        sa.Column("commission_amount", sa.BigInteger(), nullable=False),
        sa.Column("refunds_amount", sa.BigInteger(), nullable=False),
        sa.Column("disputes_amount", sa.BigInteger(), nullable=False),
        sa.Column("adjustments_amount", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column(
            "opening_amount", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "carried_amount", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column("created_by", sa.String(), server_default="system", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("approvals_needed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("provider", sa.String(), nullable=True),
        sa.Column("destination", sa.String(), nullable=True),
        sa.Column("provider_transfer_id", sa.String(), nullable=True),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'awaiting_approval', 'approved', 'paying', 'paid', 'failed', 'canceled')",
            name=op.f("ck_settlements_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name=op.f("fk_settlements_vendor_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlements")),
    )
    op.create_index("ix_settlements_status", "settlements", ["status", "id"], unique=False)
    op.create_index(
        "uq_settlements_period",
        "settlements",
        ["vendor_id", "currency", "period_end_at"],
        unique=True,
    )
    op.create_index(
        "uq_settlements_provider_transfer",
        "settlements",
        ["provider", "provider_transfer_id"],
        unique=True,
        postgresql_where=sa.text("provider_transfer_id IS NOT NULL"),
    )
    op.create_table(
        "disputes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("payment_id", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("provider_dispute_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("inquiry", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("held", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("evidence_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("evidence_submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submitted_by", sa.String(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('needs_response', 'under_review', 'won', 'lost')",
            name=op.f("ck_disputes_status_known"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_disputes_amount_positive")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_disputes_order_id")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_disputes_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disputes")),
    )
    op.create_index("ix_disputes_order_id", "disputes", ["order_id", "id"], unique=False)
    op.create_index("ix_disputes_status", "disputes", ["status", "id"], unique=False)
    op.create_index(
        "uq_disputes_provider_dispute", "disputes", ["provider", "provider_dispute_id"], unique=True
    )
    op.create_table(
        "settlement_approvals",
        sa.Column("settlement_id", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["settlement_id"],
            ["settlements.id"],
            name=op.f("fk_settlement_approvals_settlement_id"),
        ),
        sa.PrimaryKeyConstraint("settlement_id", "actor", name=op.f("pk_settlement_approvals")),
    )
    op.create_table(
        "settlement_lines",
        sa.Column("settlement_id", sa.String(), nullable=False),
        sa.Column("posting_key", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["posting_key", "position"],
            ["ledger_entries.posting_key", "ledger_entries.position"],
            name=op.f("fk_settlement_lines_posting_key_position"),
        ),
        sa.ForeignKeyConstraint(
            ["settlement_id"], ["settlements.id"], name=op.f("fk_settlement_lines_settlement_id")
        ),
        sa.PrimaryKeyConstraint(
            "settlement_id", "posting_key", "position", name=op.f("pk_settlement_lines")
        ),
    )
    op.create_index(
        "uq_settlement_lines_entry", "settlement_lines", ["posting_key", "position"], unique=True
    )
    op.add_column(
        "payments",
        sa.Column("disputed_amount", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column(
        "payments",
        sa.Column("taken_at_once", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.create_index(
        "ix_refunds_pending",
        "refunds",
        ["id"],
        unique=False,
        postgresql_where=sa.text("status = 'pending'"),
    )
    for unanswered in UNANSWERED:
        op.add_column(
            unanswered, sa.Column("unanswered_at", sa.DateTime(timezone=True), nullable=True)
        )
    op.add_column("vendors", sa.Column("payout_provider", sa.String(), nullable=True))
    op.add_column("vendors", sa.Column("payout_account", sa.String(), nullable=True))
    op.execute(MUST_BALANCE)
    for table in LEDGER:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION perdure_refuse_change()"
        )
        op.execute(
            f"CREATE CONSTRAINT TRIGGER {table}_balance AFTER INSERT ON {table} "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
            + ("WHEN (NEW.position NOT IN (0, 1)) " if table == "ledger_entries" else "")
            + "EXECUTE FUNCTION perdure_posting_must_balance()"
        )
    carry_over(op.get_bind())
    op.execute("SET CONSTRAINTS ALL IMMEDIATE")


def downgrade() -> None:
    op.drop_table("event_polls")
    op.drop_column("vendors", "payout_account")
    op.drop_column("vendors", "payout_provider")
    op.drop_index(
        "ix_refunds_pending", table_name="refunds", postgresql_where=sa.text("status = 'pending'")
    )
    op.drop_column("payments", "taken_at_once")
    op.drop_column("payments", "disputed_amount")
    for unanswered in UNANSWERED:
        op.drop_column(unanswered, "unanswered_at")
    op.drop_index("uq_settlement_lines_entry", table_name="settlement_lines")
    op.drop_table("settlement_lines")
    op.drop_table("settlement_approvals")
    op.drop_index("uq_disputes_provider_dispute", table_name="disputes")
    op.drop_index("ix_disputes_status", table_name="disputes")
    op.drop_index("ix_disputes_order_id", table_name="disputes")
    op.drop_table("disputes")
    op.drop_index(
        "uq_settlements_provider_transfer",
        table_name="settlements",
        postgresql_where=sa.text("provider_transfer_id IS NOT NULL"),
    )
    op.drop_index("uq_settlements_period", table_name="settlements")
    op.drop_index("ix_settlements_status", table_name="settlements")
    op.drop_table("settlements")
    op.drop_index(
        "ix_ledger_entries_balance", table_name="ledger_entries", postgresql_include=["amount"]
    )
    op.drop_table("ledger_entries")
    op.drop_index(
        "uq_differences_open",
        table_name="differences",
        postgresql_where=sa.text("status IN ('open', 'repairing')"),
    )
    op.drop_table("reconciliation_payments")
    op.drop_index("ix_differences_status", table_name="differences")
    op.drop_index("ix_differences_order_id", table_name="differences")
    op.drop_table("differences")
    op.drop_index(
        "uq_commission_rules_target",
        table_name="commission_rules",
        postgresql_where=sa.text("active"),
    )
    op.drop_table("commission_rules")
    op.drop_index("ix_reconciliations_provider", table_name="reconciliations")
    op.drop_table("reconciliations")
    op.drop_index(
        "ix_provider_transactions_unposted",
        table_name="provider_transactions",
        postgresql_where=sa.text("posted_at IS NULL"),
    )
    op.drop_index("ix_provider_transactions_payment", table_name="provider_transactions")
    op.drop_index("ix_provider_transactions_occurred_at", table_name="provider_transactions")
    op.drop_table("provider_transactions")
    op.drop_index("ix_ledger_postings_posted_at", table_name="ledger_postings")
    op.drop_index("ix_ledger_postings_order_id", table_name="ledger_postings")
    op.drop_table("ledger_postings")
    op.execute("DROP FUNCTION perdure_posting_must_balance()")
