"""the whole life of an order"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

EVERYWHERE = "zon_01jgfjjz00e008000000000000"
"""The zone of the rates that knew no zone."""

CHECKS = (
    ("captures", "status_known", "status IN ('planned', 'captured')"),
    ("order_items", "kind_known", "kind IN ('ordered', 'exchange')"),
    ("order_items", "quantity_not_negative", "quantity >= 0"),
    ("order_items", "canceled_not_negative", "canceled_quantity >= 0"),
    ("order_items", "returned_within_quantity", "returned_quantity BETWEEN 0 AND quantity"),
    ("order_items", "discount_within_total", "discount_amount BETWEEN 0 AND total_amount"),
    (
        "orders",
        "allocation_known",
        "allocation IN ('fewest_shipments', 'nearest_warehouse', 'priority')",
    ),
    ("payments", "purpose_known", "purpose IN ('order', 'renewal', 'edit', 'exchange')"),
    ("shipments", "purpose_known", "purpose IN ('order', 'replacement', 'exchange')"),
    ("variants", "backorder_policy_known", "backorder_policy IN ('deny', 'backorder', 'preorder')"),
    ("variants", "weight_not_negative", "weight_grams >= 0"),
    ("vendors", "fulfillment_known", "fulfillment IN ('automatic', 'manual')"),
)

TOTAL_ADDS_UP = (
    "total_amount = subtotal_amount - discount_amount + shipping_amount"
    " + CASE WHEN tax_included THEN 0 ELSE tax_amount END"
)

SHIPPING_TAX = """
UPDATE orders o SET shipping_tax_amount = o.tax_amount - i.tax FROM (
    SELECT order_id, sum(tax_amount) AS tax FROM order_items GROUP BY order_id
) i WHERE i.order_id = o.id AND o.tax_amount <> i.tax
"""


def upgrade() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    op.create_index("ix_audit_log_actor", "audit_log", ["actor", "id"], unique=False)
    op.create_index("ix_audit_log_target", "audit_log", ["target", "id"], unique=False)
    op.create_table(
        "backorders",
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("promised_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('waiting', 'allocated', 'canceled')",
            name=op.f("ck_backorders_status_known"),
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_backorders_quantity_positive")),
        sa.PrimaryKeyConstraint("order_id", "sku", "number", name=op.f("pk_backorders")),
    )
    op.create_index(
        "ix_backorders_waiting",
        "backorders",
        ["sku", "created_at", "order_id"],
        unique=False,
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_table(
        "carts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=True),
        sa.Column("customer_id", sa.String(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("order_id", sa.String(), nullable=True),
        sa.Column("promotion_code", sa.String(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
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
            "status IN ('active', 'merged', 'ordered')", name=op.f("ck_carts_status_known")
        ),
        sa.CheckConstraint(
            "token_hash IS NOT NULL OR customer_id IS NOT NULL", name=op.f("ck_carts_has_an_owner")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carts")),
    )
    op.create_index(
        "ix_carts_expires_at",
        "carts",
        ["expires_at"],
        unique=False,
    )
    op.create_index(
        "uq_carts_customer_id",
        "carts",
        ["customer_id"],
        unique=True,
        postgresql_where=sa.text("status = 'active' AND customer_id IS NOT NULL"),
    )
    op.create_table(
        "promotions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("target_ids", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("basis_points", sa.Integer(), nullable=True),
        sa.Column("amounts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("buy_quantity", sa.Integer(), nullable=True),
        sa.Column("get_quantity", sa.Integer(), nullable=True),
        sa.Column("minimum_amounts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("usage_limit", sa.Integer(), nullable=True),
        sa.Column("usage_limit_per_customer", sa.Integer(), nullable=True),
        sa.Column("used", sa.Integer(), server_default=sa.text("0"), nullable=False),
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
            "kind IN ('percent', 'fixed', 'free_shipping', 'buy_x_get_y')",
            name=op.f("ck_promotions_kind_known"),
        ),
        sa.CheckConstraint(
            "scope IN ('order', 'product', 'category')", name=op.f("ck_promotions_scope_known")
        ),
        sa.CheckConstraint(
            "basis_points BETWEEN 0 AND 10000", name=op.f("ck_promotions_is_a_share")
        ),
        sa.CheckConstraint(
            "ends_at IS NULL OR ends_at > starts_at", name=op.f("ck_promotions_ends_after_start")
        ),
        sa.CheckConstraint(
            "usage_limit IS NULL OR used <= usage_limit",
            name=op.f("ck_promotions_used_within_limit"),
        ),
        sa.CheckConstraint("used >= 0", name=op.f("ck_promotions_used_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promotions")),
    )
    op.create_index(
        "uq_promotions_code", "promotions", [sa.literal_column("upper(code)")], unique=True
    )
    op.create_table(
        "review_rules",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("orders", sa.Integer(), nullable=True),
        sa.Column("window_seconds", sa.Integer(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "CASE kind WHEN 'amount' THEN currency IS NOT NULL AND amount IS NOT NULL WHEN 'country' THEN country IS NOT NULL ELSE orders IS NOT NULL AND window_seconds IS NOT NULL END",
            name=op.f("ck_review_rules_complete"),
        ),
        sa.CheckConstraint(
            "kind IN ('amount', 'country', 'velocity')", name=op.f("ck_review_rules_kind_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_rules")),
    )
    op.create_table(
        "shipping_zones",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipping_zones")),
    )
    op.create_table(
        "tax_rules",
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("basis_points", sa.Integer(), nullable=False),
        sa.Column(
            "prices_include_tax", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.CheckConstraint(
            "basis_points BETWEEN 0 AND 10000", name=op.f("ck_tax_rules_is_a_share")
        ),
        sa.PrimaryKeyConstraint("country", "region", name=op.f("pk_tax_rules")),
    )
    op.create_table(
        "cart_items",
        sa.Column("cart_id", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column(
            "added_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_cart_items_quantity_positive")),
        sa.ForeignKeyConstraint(["cart_id"], ["carts.id"], name=op.f("fk_cart_items_cart_id")),
        sa.PrimaryKeyConstraint("cart_id", "sku", name=op.f("pk_cart_items")),
    )
    op.create_table(
        "order_edits",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("changes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("difference_amount", sa.BigInteger(), nullable=False),
        sa.Column("payment_id", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'applied', 'refused')", name=op.f("ck_order_edits_status_known")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_edits_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_edits")),
    )
    op.create_index("ix_order_edits_order_id", "order_edits", ["order_id", "id"], unique=False)
    op.create_table(
        "order_waits",
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("workflow_id", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("actions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_waits_order_id")),
        sa.PrimaryKeyConstraint("order_id", "workflow_id", "what", name=op.f("pk_order_waits")),
    )
    op.create_index("ix_order_waits_what", "order_waits", ["what", "since_at"], unique=False)
    op.create_table(
        "promotion_uses",
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("promotion_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('reserved', 'used', 'released')",
            name=op.f("ck_promotion_uses_status_known"),
        ),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_promotion_uses_not_negative")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_promotion_uses_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["promotion_id"], ["promotions.id"], name=op.f("fk_promotion_uses_promotion_id")
        ),
        sa.PrimaryKeyConstraint("order_id", "promotion_id", name=op.f("pk_promotion_uses")),
    )
    op.create_index(
        "ix_promotion_uses_customer",
        "promotion_uses",
        ["promotion_id", "customer_id"],
        unique=False,
    )
    op.create_table(
        "refunds",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("return_id", sa.String(), nullable=True),
        sa.Column("shipment_id", sa.String(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("items", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
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
            "status IN ('pending', 'succeeded', 'failed')", name=op.f("ck_refunds_status_known")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_refunds_amount_positive")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_refunds_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
    )
    op.create_index("ix_refunds_order_id", "refunds", ["order_id", "id"], unique=False)
    op.create_table(
        "returns",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rejection_reason", sa.String(), nullable=True),
        sa.Column("tracking_number", sa.String(), nullable=True),
        sa.Column("warehouse_id", sa.String(), nullable=True),
        sa.Column("refund_id", sa.String(), nullable=True),
        sa.Column("refund_amount", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("refund_shipping", sa.Boolean(), server_default=sa.text("false"), nullable=False),
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
            "status IN ('requested', 'approved', 'rejected', 'in_transit', 'received', 'inspected', 'refunded', 'expired')",
            name=op.f("ck_returns_status_known"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_returns_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_returns")),
    )
    op.create_index("ix_returns_order_id", "returns", ["order_id", "id"], unique=False)
    op.create_index("ix_returns_status", "returns", ["status", "id"], unique=False)
    op.create_table(
        "shipping_options",
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("zone_id", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("from_grams", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_shipping_options_not_negative")),
        sa.CheckConstraint("from_grams >= 0", name=op.f("ck_shipping_options_weight_not_negative")),
        sa.ForeignKeyConstraint(
            ["zone_id"], ["shipping_zones.id"], name=op.f("fk_shipping_options_zone_id")
        ),
        sa.PrimaryKeyConstraint(
            "method", "zone_id", "currency", "from_grams", name=op.f("pk_shipping_options")
        ),
    )
    op.create_table(
        "shipping_zone_places",
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("zone_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["zone_id"], ["shipping_zones.id"], name=op.f("fk_shipping_zone_places_zone_id")
        ),
        sa.PrimaryKeyConstraint("country", "region", name=op.f("pk_shipping_zone_places")),
    )
    op.create_index(
        op.f("ix_shipping_zone_places_zone_id"), "shipping_zone_places", ["zone_id"], unique=False
    )
    op.create_table(
        "stock_transfers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("from_warehouse_id", sa.String(), nullable=False),
        sa.Column("to_warehouse_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("items", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('in_transit', 'received', 'canceled')",
            name=op.f("ck_stock_transfers_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["from_warehouse_id"],
            ["warehouses.id"],
            name=op.f("fk_stock_transfers_from_warehouse_id"),
        ),
        sa.ForeignKeyConstraint(
            ["to_warehouse_id"], ["warehouses.id"], name=op.f("fk_stock_transfers_to_warehouse_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_transfers")),
    )
    op.create_table(
        "refund_parts",
        sa.Column("refund_id", sa.String(), nullable=False),
        sa.Column("payment_id", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("provider_refund_id", sa.String(), nullable=True),
        sa.Column("failure_code", sa.String(), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'succeeded', 'failed')",
            name=op.f("ck_refund_parts_status_known"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_refund_parts_amount_positive")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_refund_parts_payment_id")
        ),
        sa.ForeignKeyConstraint(
            ["refund_id"], ["refunds.id"], name=op.f("fk_refund_parts_refund_id")
        ),
        sa.PrimaryKeyConstraint("refund_id", "payment_id", name=op.f("pk_refund_parts")),
    )
    op.create_index(
        "uq_refund_parts_provider_refund",
        "refund_parts",
        ["provider_refund_id"],
        unique=True,
        postgresql_where=sa.text("provider_refund_id IS NOT NULL"),
    )
    op.create_table(
        "return_items",
        sa.Column("return_id", sa.String(), nullable=False),
        sa.Column("item_id", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("exchange_sku", sa.String(), nullable=True),
        sa.Column("sellable_quantity", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("damaged_quantity", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_return_items_quantity_positive")),
        sa.CheckConstraint(
            "sellable_quantity >= 0 AND damaged_quantity >= 0 AND sellable_quantity + damaged_quantity <= quantity",
            name=op.f("ck_return_items_received_within_quantity"),
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["order_items.id"], name=op.f("fk_return_items_item_id")
        ),
        sa.ForeignKeyConstraint(
            ["return_id"], ["returns.id"], name=op.f("fk_return_items_return_id")
        ),
        sa.PrimaryKeyConstraint("return_id", "item_id", name=op.f("pk_return_items")),
    )
    op.add_column(
        "captures", sa.Column("status", sa.String(), server_default="captured", nullable=False)
    )
    op.add_column(
        "captures",
        sa.Column("final", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column(
        "order_items",
        sa.Column("discount_amount", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column(
        "order_items", sa.Column("kind", sa.String(), server_default="ordered", nullable=False)
    )
    op.add_column(
        "order_items",
        sa.Column("canceled_quantity", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column(
        "order_items",
        sa.Column("returned_quantity", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column(
        "orders",
        sa.Column("tax_included", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column(
        "orders",
        sa.Column(
            "shipping_discount_amount", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
    )
    op.add_column(
        "orders",
        sa.Column(
            "shipping_tax_amount", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
    )
    op.add_column("orders", sa.Column("email", sa.String(), nullable=True))
    op.add_column(
        "orders",
        sa.Column("allocation", sa.String(), server_default="fewest_shipments", nullable=False),
    )
    op.add_column(
        "orders", sa.Column("review", postgresql.JSONB(astext_type=sa.Text()), nullable=True)
    )
    op.add_column(
        "orders", sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("orders", sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "payments", sa.Column("purpose", sa.String(), server_default="order", nullable=False)
    )
    op.add_column(
        "payments", sa.Column("next_action", postgresql.JSONB(astext_type=sa.Text()), nullable=True)
    )
    op.add_column("reservation_lines", sa.Column("shipment_id", sa.String(), nullable=True))
    op.drop_index(
        op.f("uq_reservation_lines_order"),
        table_name="reservation_lines",
        postgresql_where="(order_id IS NOT NULL)",
    )
    op.create_index(
        "uq_reservation_lines_order",
        "reservation_lines",
        ["order_id", "warehouse_id", "sku", "shipment_id"],
        unique=True,
        postgresql_where=sa.text("order_id IS NOT NULL"),
        postgresql_nulls_not_distinct=True,
    )
    op.create_index(
        op.f("ix_reservation_lines_shipment_id"), "reservation_lines", ["shipment_id"], unique=False
    )
    op.add_column(
        "shipments", sa.Column("purpose", sa.String(), server_default="order", nullable=False)
    )
    op.add_column("shipments", sa.Column("replaces_id", sa.String(), nullable=True))
    op.add_column("shipments", sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("shipments", sa.Column("booking_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "shipments", sa.Column("dispatching_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "shipments", sa.Column("handed_over_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("shipments", sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("shipments", sa.Column("failure", sa.String(), nullable=True))
    op.add_column(
        "variants",
        sa.Column("weight_grams", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column(
        "variants",
        sa.Column("backorder_policy", sa.String(), server_default="deny", nullable=False),
    )
    op.add_column("variants", sa.Column("backorder_limit", sa.Integer(), nullable=True))
    op.add_column("variants", sa.Column("promised_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("variants", sa.Column("low_stock_threshold", sa.Integer(), nullable=True))
    op.add_column(
        "variants",
        sa.Column("stock_alerts", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column(
        "vendors", sa.Column("fulfillment", sa.String(), server_default="automatic", nullable=False)
    )
    op.add_column("warehouses", sa.Column("region", sa.String(), nullable=True))
    op.add_column("warehouses", sa.Column("latitude", sa.Float(), nullable=True))
    op.add_column("warehouses", sa.Column("longitude", sa.Float(), nullable=True))
    _replace_checks()
    _carry_over()
    op.execute(
        "CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log "
        "FOR EACH ROW EXECUTE FUNCTION perdure_refuse_change()"
    )


def _replace_checks() -> None:
    for table, name, condition in CHECKS:
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)
    op.drop_constraint(op.f("ck_order_items_quantity_positive"), "order_items")
    op.drop_constraint(op.f("ck_orders_total_adds_up"), "orders")
    op.create_check_constraint(op.f("ck_orders_total_adds_up"), "orders", TOTAL_ADDS_UP)


def _carry_over() -> None:
    """Give the new columns and tables what the old ones say."""
    op.execute(SHIPPING_TAX)
    op.execute("INSERT INTO tax_rules SELECT country, '', basis_points, false FROM tax_rates")
    op.execute(f"INSERT INTO shipping_zones (id, name) VALUES ('{EVERYWHERE}', 'Everywhere')")
    op.execute(
        "INSERT INTO shipping_zone_places (country, region, zone_id) "
        f"VALUES ('*', '', '{EVERYWHERE}')"
    )
    op.execute(
        "INSERT INTO shipping_options (method, zone_id, currency, from_grams, amount) "
        f"SELECT method, '{EVERYWHERE}', currency, 0, amount FROM shipping_rates"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_orders_total_adds_up"), "orders")
    op.create_check_constraint(
        op.f("ck_orders_total_adds_up"),
        "orders",
        "total_amount = subtotal_amount - discount_amount + shipping_amount + tax_amount",
    )
    op.create_check_constraint(
        op.f("ck_order_items_quantity_positive"), "order_items", "quantity > 0"
    )
    for table, name, _ in reversed(CHECKS):
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
    op.drop_column("warehouses", "longitude")
    op.drop_column("warehouses", "latitude")
    op.drop_column("warehouses", "region")
    op.drop_column("vendors", "fulfillment")
    op.drop_column("variants", "stock_alerts")
    op.drop_column("variants", "low_stock_threshold")
    op.drop_column("variants", "promised_at")
    op.drop_column("variants", "backorder_limit")
    op.drop_column("variants", "backorder_policy")
    op.drop_column("variants", "weight_grams")
    op.drop_column("shipments", "failure")
    op.drop_column("shipments", "delivered_at")
    op.drop_column("shipments", "handed_over_at")
    op.drop_column("shipments", "dispatching_at")
    op.drop_column("shipments", "booking_at")
    op.drop_column("shipments", "accepted_at")
    op.drop_column("shipments", "replaces_id")
    op.drop_column("shipments", "purpose")
    op.drop_index(op.f("ix_reservation_lines_shipment_id"), table_name="reservation_lines")
    op.drop_index(
        "uq_reservation_lines_order",
        table_name="reservation_lines",
        postgresql_where=sa.text("order_id IS NOT NULL"),
        postgresql_nulls_not_distinct=True,
    )
    op.create_index(
        op.f("uq_reservation_lines_order"),
        "reservation_lines",
        ["order_id", "warehouse_id", "sku"],
        unique=True,
        postgresql_where="(order_id IS NOT NULL)",
    )
    op.drop_column("reservation_lines", "shipment_id")
    op.drop_column("payments", "next_action")
    op.drop_column("payments", "purpose")
    op.drop_column("orders", "delivered_at")
    op.drop_column("orders", "cancel_requested_at")
    op.drop_column("orders", "review")
    op.drop_column("orders", "allocation")
    op.drop_column("orders", "email")
    op.drop_column("orders", "shipping_tax_amount")
    op.drop_column("orders", "shipping_discount_amount")
    op.drop_column("orders", "tax_included")
    op.drop_column("order_items", "returned_quantity")
    op.drop_column("order_items", "canceled_quantity")
    op.drop_column("order_items", "kind")
    op.drop_column("order_items", "discount_amount")
    op.drop_column("captures", "final")
    op.drop_column("captures", "status")
    op.drop_table("return_items")
    op.drop_index(
        "uq_refund_parts_provider_refund",
        table_name="refund_parts",
        postgresql_where=sa.text("provider_refund_id IS NOT NULL"),
    )
    op.drop_table("refund_parts")
    op.drop_table("stock_transfers")
    op.drop_index(op.f("ix_shipping_zone_places_zone_id"), table_name="shipping_zone_places")
    op.drop_table("shipping_zone_places")
    op.drop_table("shipping_options")
    op.drop_index("ix_returns_status", table_name="returns")
    op.drop_index("ix_returns_order_id", table_name="returns")
    op.drop_table("returns")
    op.drop_index("ix_refunds_order_id", table_name="refunds")
    op.drop_table("refunds")
    op.drop_index("ix_promotion_uses_customer", table_name="promotion_uses")
    op.drop_table("promotion_uses")
    op.drop_index("ix_order_waits_what", table_name="order_waits")
    op.drop_table("order_waits")
    op.drop_index("ix_order_edits_order_id", table_name="order_edits")
    op.drop_table("order_edits")
    op.drop_table("cart_items")
    op.drop_table("tax_rules")
    op.drop_table("shipping_zones")
    op.drop_table("review_rules")
    op.drop_index("uq_promotions_code", table_name="promotions")
    op.drop_table("promotions")
    op.drop_index(
        "uq_carts_customer_id",
        table_name="carts",
        postgresql_where=sa.text("status = 'active' AND customer_id IS NOT NULL"),
    )
    op.drop_index(
        "ix_carts_expires_at", table_name="carts", postgresql_where=sa.text("status = 'active'")
    )
    op.drop_table("carts")
    op.drop_index(
        "ix_backorders_waiting",
        table_name="backorders",
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.drop_table("backorders")
    op.drop_index("ix_audit_log_target", table_name="audit_log")
    op.drop_index("ix_audit_log_actor", table_name="audit_log")
    op.drop_table("audit_log")
