"""people catalogue and jobs"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COUNT_VERSION = """
CREATE FUNCTION perdure_count_version() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN NEW.version := 1; ELSE NEW.version := OLD.version + 1; END IF;
  RETURN NEW;
END $$
"""
TELL_CHANGE = """
CREATE FUNCTION perdure_tell_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO outbox (aggregate_id, sequence, type, payload)
  VALUES (NEW.id, NEW.version, TG_ARGV[0], jsonb_build_object('id', NEW.id));
  RETURN NULL;
END $$
"""
"""The argument is the type of the event; ``version`` numbers the events of a row."""

COUNT_TURN = """
CREATE FUNCTION perdure_count_turn() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  NEW.turns := OLD.turns + 1;
  RETURN NEW;
END $$
"""
TELL_TURN = """
CREATE FUNCTION perdure_tell_turn() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO outbox (aggregate_id, sequence, type, payload)
  VALUES (NEW.warehouse_id || '/' || NEW.sku, NEW.turns, 'stock.availability_changed',
    jsonb_build_object('sku', NEW.sku));
  RETURN NULL;
END $$
"""
TELLING = {
    "products": "product.changed",
    "categories": "category.changed",
    "vendors": "vendor.changed",
}
TURNS = (
    """CREATE TRIGGER stock_turn_counted BEFORE UPDATE ON stock FOR EACH ROW
    WHEN ((OLD.on_hand > OLD.reserved) <> (NEW.on_hand > NEW.reserved))
    EXECUTE FUNCTION perdure_count_turn()""",
    """CREATE TRIGGER stock_turn_told AFTER UPDATE ON stock FOR EACH ROW
    WHEN (OLD.turns <> NEW.turns) EXECUTE FUNCTION perdure_tell_turn()""",
    """CREATE TRIGGER stock_first_told AFTER INSERT ON stock FOR EACH ROW
    WHEN (NEW.on_hand > NEW.reserved) EXECUTE FUNCTION perdure_tell_turn()""",
)
"""A sale that leaves a free unit pays for two comparisons and calls nothing."""

REFUSE_CHANGE = """
CREATE OR REPLACE FUNCTION perdure_refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND TG_TABLE_NAME IN ('order_timeline', 'audit_log')
     AND current_setting('perdure.erasing', true) = 'on'
     AND to_jsonb(NEW) - '{detail,reason}'::text[] = to_jsonb(OLD) - '{detail,reason}'::text[]
  THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'PD002';
END $$
"""
"""What a person wrote in their own words can be taken out when they are forgotten."""

REFUSE_EVERY_CHANGE = """
CREATE OR REPLACE FUNCTION perdure_refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'PD002';
END $$
"""

FIND_PEOPLE = {
    "ix_checkout_drafts_customer_id": "checkout_drafts (customer_id, order_id)",
}

CHECKS = {
    "users": {
        "reachable": "erased_at IS NOT NULL OR email IS NOT NULL OR phone IS NOT NULL",
        "vendor_rank_known": "vendor_rank IN ('owner', 'clerk')",
    },
    "vendors": {"status_known": "status IN ('pending', 'active', 'suspended')"},
    "products": {
        "approval_known": "approval IN ('not_requested', 'requested', 'approved', 'rejected')"
    },
    "product_media": {
        "status_known": "status IN ('awaiting_upload', 'processing', 'ready', 'rejected', 'removed')"
    },
}
EXTENSIONS = ("btree_gist", "pg_trgm", "unaccent")
STAFF_MAY = (
    "orders:read",
    "orders:write",
    "stock:read",
    "stock:write",
    "catalogue:read",
    "catalogue:write",
    "terms:read",
    "terms:write",
    "money:read",
    "money:write",
    "people:read",
    "people:write",
    "people:impersonate",
    "audit:read",
    "settings:read",
    "settings:write",
)
"""What everybody of staff could do before there were permissions."""


def upgrade() -> None:
    for extension in EXTENSIONS:
        op.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    op.create_table(
        "feature_flags",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("percentage", sa.Integer(), server_default="100", nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("updated_by", sa.String(), nullable=False),
        sa.CheckConstraint(
            "percentage BETWEEN 0 AND 100", name=op.f("ck_feature_flags_is_a_percentage")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_feature_flags")),
    )
    op.create_table(
        "outbox_consumers",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_outbox_consumers")),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("vendor_id", sa.String(), nullable=True),
        sa.Column("dry_run", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("input_key", sa.String(), nullable=True),
        sa.Column("output_key", sa.String(), nullable=True),
        sa.Column("errors_key", sa.String(), nullable=True),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("total_rows", sa.Integer(), nullable=True),
        sa.Column("done_rows", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failed_rows", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True),
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
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'done', 'failed', 'canceled')",
            name=op.f("ck_jobs_status_known"),
        ),
        sa.CheckConstraint(
            "done_rows >= 0 AND failed_rows >= 0", name=op.f("ck_jobs_counts_not_negative")
        ),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_jobs_vendor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index("ix_jobs_kind", "jobs", ["kind", "id"], unique=False)
    op.create_index("ix_jobs_vendor_id", "jobs", ["vendor_id", "id"], unique=False)
    op.create_table(
        "account_messages",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=True),
        sa.Column("secret_hash", sa.String(), nullable=True),
        sa.Column("wrong_attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.CheckConstraint(
            "channel IN ('email', 'sms')", name=op.f("ck_account_messages_channel_known")
        ),
        sa.CheckConstraint(
            "kind IN ('verify_email', 'verify_phone', 'reset_password', 'sign_in_code', 'already_registered', 'password_changed', 'email_changed', 'sign_in_changed', 'account_erased', 'invitation')",
            name=op.f("ck_account_messages_kind_known"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_account_messages_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_messages")),
    )
    op.create_index(
        "ix_account_messages_expires_at", "account_messages", ["expires_at"], unique=False
    )
    op.create_index(
        "ix_account_messages_recipient",
        "account_messages",
        ["recipient", "kind", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_account_messages_user_id"), "account_messages", ["user_id"], unique=False
    )
    op.create_table(
        "invitations",
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("vendor_id", sa.String(), nullable=False),
        sa.Column("rank", sa.String(), nullable=False),
        sa.Column("invited_by", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("rank IN ('owner', 'clerk')", name=op.f("ck_invitations_rank_known")),
        sa.ForeignKeyConstraint(
            ["invited_by"], ["users.id"], name=op.f("fk_invitations_invited_by")
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["account_messages.id"],
            name=op.f("fk_invitations_message_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name=op.f("fk_invitations_vendor_id")
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_invitations")),
    )
    op.create_index(op.f("ix_invitations_vendor_id"), "invitations", ["vendor_id"], unique=False)
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("vendor_id", sa.String(), nullable=True),
        sa.Column(
            "scopes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
        sa.Column("secret_hash", sa.String(), nullable=False),
        sa.Column("previous_secret_hash", sa.String(), nullable=True),
        sa.Column("previous_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.String(), nullable=False),
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
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_api_keys_created_by")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_api_keys_vendor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("previous_secret_hash", name=op.f("uq_api_keys_previous_secret_hash")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_keys_secret_hash")),
    )
    op.create_index("ix_api_keys_vendor_id", "api_keys", ["vendor_id", "id"], unique=False)
    op.create_table(
        "erasures",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("kept", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('requested', 'waiting', 'erasing', 'done')",
            name=op.f("ck_erasures_status_known"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_erasures_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
        sa.UniqueConstraint("user_id", name=op.f("uq_erasures_user_id")),
    )
    op.create_table(
        "identities",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_identities_user_id")),
        sa.PrimaryKeyConstraint("provider", "subject", name=op.f("pk_identities")),
    )
    op.create_index(op.f("ix_identities_user_id"), "identities", ["user_id"], unique=False)
    op.create_table(
        "job_parts",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("done_rows", sa.Integer(), nullable=False),
        sa.Column("failed_rows", sa.Integer(), nullable=False),
        sa.Column("errors", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_parts_job_id")),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("pk_job_parts")),
    )
    op.create_table(
        "old_users",
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
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
            "outcome IN ('created', 'merged', 'conflict', 'invalid')",
            name=op.f("ck_old_users_outcome_known"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_old_users_user_id")),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_old_users")),
    )
    op.create_index(
        "ix_old_users_open",
        "old_users",
        ["source_id"],
        unique=False,
        postgresql_where=sa.text("outcome IN ('conflict')"),
    )
    op.create_index(op.f("ix_old_users_user_id"), "old_users", ["user_id"], unique=False)
    op.create_table(
        "personal_exports",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("object_key", sa.String(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'done', 'failed')",
            name=op.f("ck_personal_exports_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_personal_exports_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personal_exports")),
    )
    op.create_index(
        "ix_personal_exports_user_id", "personal_exports", ["user_id", "id"], unique=False
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("impersonator_id", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "last_used_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(method = 'impersonation') = (impersonator_id IS NOT NULL)",
            name=op.f("ck_sessions_impersonator"),
        ),
        sa.CheckConstraint(
            "method IN ('password', 'otp', 'google', 'impersonation')",
            name=op.f("ck_sessions_method_known"),
        ),
        sa.ForeignKeyConstraint(
            ["impersonator_id"], ["users.id"], name=op.f("fk_sessions_impersonator_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_table(
        "price_periods",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("variant_id", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        postgresql.ExcludeConstraint(
            (sa.text("(variant_id || currency)"), "="),
            (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
            using="gist",
            name="ex_price_periods_one_at_a_time",
        ),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_price_periods_not_negative")),
        sa.CheckConstraint(
            "ends_at IS NULL OR ends_at > starts_at", name=op.f("ck_price_periods_ends_after_start")
        ),
        sa.ForeignKeyConstraint(
            ["variant_id"], ["variants.id"], name=op.f("fk_price_periods_variant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_periods")),
    )
    op.create_index(
        "ix_price_periods_starts_at",
        "price_periods",
        ["starts_at"],
        unique=False,
        postgresql_where=sa.text("told = 0"),
    )
    op.create_index(
        "ix_price_periods_ends_at",
        "price_periods",
        ["ends_at"],
        unique=False,
        postgresql_where=sa.text("told = 1"),
    )
    op.create_index(
        "ix_price_periods_variant_id",
        "price_periods",
        ["variant_id", "currency", "starts_at"],
        unique=False,
    )
    op.add_column(
        "categories", sa.Column("description", sa.String(), server_default="", nullable=False)
    )
    op.add_column(
        "categories",
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column(
        "categories",
        sa.Column("version", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column(
        "categories",
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
    )
    op.add_column("categories", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "outbox", sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False)
    )
    op.add_column(
        "outbox",
        sa.Column(
            "transaction_id",
            sa.BigInteger(),
            server_default=sa.text("(pg_current_xact_id()::text::bigint)"),
            nullable=False,
        ),
    )
    op.create_index(
        "ix_outbox_catalogue",
        "outbox",
        ["transaction_id", "position"],
        unique=False,
        postgresql_where=sa.text(
            "type IN ('product.changed', 'category.changed', 'vendor.changed', 'stock.availability_changed')"
        ),
    )
    op.add_column(
        "product_media", sa.Column("status", sa.String(), server_default="ready", nullable=False)
    )
    op.add_column(
        "product_media", sa.Column("reason", sa.String(), server_default="", nullable=False)
    )
    op.add_column("product_media", sa.Column("upload_key", sa.String(), nullable=True))
    op.add_column("product_media", sa.Column("content_type", sa.String(), nullable=True))
    op.add_column("product_media", sa.Column("size_bytes", sa.Integer(), nullable=True))
    op.add_column("product_media", sa.Column("width", sa.Integer(), nullable=True))
    op.add_column("product_media", sa.Column("height", sa.Integer(), nullable=True))
    op.add_column(
        "product_media",
        sa.Column(
            "thumbnails",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
    )
    op.add_column(
        "product_media",
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
    )
    op.add_column(
        "product_media", sa.Column("upload_expires_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "products",
        sa.Column(
            "options",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
    )
    op.add_column(
        "products",
        sa.Column(
            "attributes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
    )
    op.add_column(
        "products",
        sa.Column("approval", sa.String(), server_default="not_requested", nullable=False),
    )
    op.add_column(
        "products", sa.Column("approval_reason", sa.String(), server_default="", nullable=False)
    )
    op.add_column(
        "products", sa.Column("version", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column(
        "stock", sa.Column("turns", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column(
        "users", sa.Column("email_verified_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("users", sa.Column("phone", sa.String(), nullable=True))
    op.add_column(
        "users", sa.Column("phone_verified_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "users",
        sa.Column(
            "permissions",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
    )
    op.add_column("users", sa.Column("vendor_rank", sa.String(), nullable=True))
    op.add_column("users", sa.Column("totp_secret", sa.String(), nullable=True))
    op.add_column(
        "users", sa.Column("totp_confirmed_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("users", sa.Column("totp_last_step", sa.BigInteger(), nullable=True))
    op.add_column("users", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    op.alter_column("users", "email", existing_type=sa.VARCHAR(), nullable=True)
    op.create_index("ix_users_role", "users", ["role", "id"], unique=False)
    op.create_index(
        "ix_users_vendor_id",
        "users",
        ["vendor_id"],
        unique=False,
        postgresql_where=sa.text("vendor_id IS NOT NULL"),
    )
    op.create_index("uq_users_phone", "users", ["phone"], unique=True)
    op.add_column(
        "vendors", sa.Column("status", sa.String(), server_default="active", nullable=False)
    )
    op.add_column(
        "vendors",
        sa.Column(
            "products_need_approval", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
    )
    op.add_column(
        "vendors", sa.Column("version", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column(
        "vendors",
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
    )
    for table, checks in CHECKS.items():
        for name, condition in checks.items():
            op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)
    op.create_index("ix_order_items_sku", "order_items", ["sku"], unique=False)
    op.create_index(
        "ix_orders_email",
        "orders",
        [sa.literal_column("lower(email)")],
        unique=False,
        postgresql_where=sa.text("email IS NOT NULL"),
    )
    for name, place in FIND_PEOPLE.items():
        op.execute(f"CREATE INDEX {name} ON {place}")
    op.execute(REFUSE_CHANGE)
    _carry_over()
    _tell_changes()


def _carry_over() -> None:
    """Staff keep what they could do, members of vendors own them; everybody signs in again."""
    allowed = ", ".join(f'"{permission}"' for permission in STAFF_MAY)
    op.execute(f"UPDATE users SET permissions = '[{allowed}]' WHERE role = 'staff'")
    op.execute("UPDATE users SET vendor_rank = 'owner' WHERE role = 'vendor'")
    op.execute("DELETE FROM refresh_tokens")


def _tell_changes() -> None:
    for function in (COUNT_VERSION, TELL_CHANGE, COUNT_TURN, TELL_TURN):
        op.execute(function)
    for table, event in TELLING.items():
        op.execute(
            f"CREATE TRIGGER {table}_version_counted BEFORE INSERT OR UPDATE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION perdure_count_version()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_change_told AFTER INSERT OR UPDATE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION perdure_tell_change('{event}')"
        )
        # What is there already is told once, so that whoever follows begins with all of it.
        op.execute(f"UPDATE {table} SET id = id")
    for trigger in TURNS:
        op.execute(trigger)


def downgrade() -> None:
    op.execute(REFUSE_EVERY_CHANGE)
    for name in FIND_PEOPLE:
        op.execute(f"DROP INDEX {name}")
    for name in ("stock_turn_counted", "stock_turn_told", "stock_first_told"):
        op.execute(f"DROP TRIGGER {name} ON stock")
    for table in TELLING:
        op.execute(f"DROP TRIGGER {table}_version_counted ON {table}")
        op.execute(f"DROP TRIGGER {table}_change_told ON {table}")
    for name in ("count_version", "tell_change", "count_turn", "tell_turn"):
        op.execute(f"DROP FUNCTION perdure_{name}()")
    events = (*TELLING.values(), "stock.availability_changed")
    op.execute(f"DELETE FROM outbox WHERE type IN {events!r}")
    op.drop_index("ix_orders_email", table_name="orders")
    op.drop_index("ix_order_items_sku", table_name="order_items")
    op.execute("DELETE FROM refresh_tokens")
    for table, checks in CHECKS.items():
        for name in checks:
            op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    op.drop_column("vendors", "updated_at")
    op.drop_column("vendors", "version")
    op.drop_column("vendors", "products_need_approval")
    op.drop_column("vendors", "status")
    op.drop_index("uq_users_phone", table_name="users")
    op.drop_index(
        "ix_users_vendor_id", table_name="users", postgresql_where=sa.text("vendor_id IS NOT NULL")
    )
    op.drop_index("ix_users_role", table_name="users")
    op.execute("UPDATE users SET email = id || '@gone.invalid' WHERE email IS NULL")
    op.alter_column("users", "email", existing_type=sa.VARCHAR(), nullable=False)
    op.drop_column("users", "erased_at")
    op.drop_column("users", "totp_last_step")
    op.drop_column("users", "totp_confirmed_at")
    op.drop_column("users", "totp_secret")
    op.drop_column("users", "vendor_rank")
    op.drop_column("users", "permissions")
    op.drop_column("users", "phone_verified_at")
    op.drop_column("users", "phone")
    op.drop_column("users", "email_verified_at")
    op.drop_column("stock", "turns")
    op.drop_column("products", "version")
    op.drop_column("products", "approval_reason")
    op.drop_column("products", "approval")
    op.drop_column("products", "attributes")
    op.drop_column("products", "options")
    op.drop_column("product_media", "upload_expires_at")
    op.drop_column("product_media", "created_at")
    op.drop_column("product_media", "thumbnails")
    op.drop_column("product_media", "height")
    op.drop_column("product_media", "width")
    op.drop_column("product_media", "size_bytes")
    op.drop_column("product_media", "content_type")
    op.drop_column("product_media", "upload_key")
    op.drop_column("product_media", "reason")
    op.drop_column("product_media", "status")
    op.drop_index(
        "ix_outbox_catalogue",
        table_name="outbox",
        postgresql_where=sa.text(
            "type IN ('product.changed', 'category.changed', 'vendor.changed', 'stock.availability_changed')"
        ),
    )
    op.drop_column("outbox", "transaction_id")
    op.drop_column("outbox", "position")
    op.drop_column("categories", "deleted_at")
    op.drop_column("categories", "updated_at")
    op.drop_column("categories", "version")
    op.drop_column("categories", "position")
    op.drop_column("categories", "description")
    op.drop_index("ix_price_periods_variant_id", table_name="price_periods")
    op.drop_index("ix_price_periods_starts_at", table_name="price_periods")
    op.drop_index("ix_price_periods_ends_at", table_name="price_periods")
    op.drop_table("price_periods")
    op.drop_index(op.f("ix_sessions_user_id"), table_name="sessions")
    op.drop_table("sessions")
    op.drop_index("ix_personal_exports_user_id", table_name="personal_exports")
    op.drop_table("personal_exports")
    op.drop_index(op.f("ix_old_users_user_id"), table_name="old_users")
    op.drop_index(
        "ix_old_users_open",
        table_name="old_users",
        postgresql_where=sa.text("outcome IN ('conflict')"),
    )
    op.drop_table("old_users")
    op.drop_table("job_parts")
    op.drop_index(op.f("ix_identities_user_id"), table_name="identities")
    op.drop_table("identities")
    op.drop_table("erasures")
    op.drop_index("ix_api_keys_vendor_id", table_name="api_keys")
    op.drop_table("api_keys")
    op.drop_index(op.f("ix_invitations_vendor_id"), table_name="invitations")
    op.drop_table("invitations")
    op.drop_index(op.f("ix_account_messages_user_id"), table_name="account_messages")
    op.drop_index("ix_account_messages_recipient", table_name="account_messages")
    op.drop_index("ix_account_messages_expires_at", table_name="account_messages")
    op.drop_table("account_messages")
    op.drop_index("ix_jobs_vendor_id", table_name="jobs")
    op.drop_index("ix_jobs_kind", table_name="jobs")
    op.drop_table("jobs")
    op.drop_table("outbox_consumers")
    op.drop_table("feature_flags")
    for extension in EXTENSIONS:
        op.execute(f"DROP EXTENSION {extension}")
