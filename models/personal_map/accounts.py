"""Personal data of accounts: who somebody is, how they sign in, what they were sent."""

from __future__ import annotations

from collections.abc import Sequence

from models.personal_map.personal_table import PersonalTable

ACCOUNTS: Sequence[PersonalTable] = (
    PersonalTable(
        name="identities",
        of_person="user_id = :user_id",
        handed_out=("provider", "subject", "created_at"),
        deleted=True,
    ),
    PersonalTable(
        name="refresh_tokens",
        of_person="user_id = :user_id",
        deleted=True,
    ),
    PersonalTable(
        name="sessions",
        of_person="user_id = :user_id",
        handed_out=(
            "id",
            "method",
            "device",
            "address",
            "reason",
            "created_at",
            "last_used_at",
            "expires_at",
            "revoked_at",
        ),
        deleted=True,
    ),
    PersonalTable(
        name="account_messages",
        of_person="user_id = :user_id OR lower(recipient) = ANY(:addresses)",
        handed_out=("id", "kind", "channel", "recipient", "created_at", "sent_at", "last_error"),
        deleted=True,
    ),
    PersonalTable(
        name="cart_items",
        of_person="cart_id IN (SELECT id FROM carts WHERE customer_id = :user_id)",
        handed_out=("cart_id", "sku", "quantity", "added_at"),
        deleted=True,
    ),
    PersonalTable(
        name="carts",
        of_person="customer_id = :user_id",
        handed_out=("id", "status", "currency", "promotion_code", "order_id", "created_at"),
        deleted=True,
    ),
    PersonalTable(
        name="personal_exports",
        of_person="user_id = :user_id",
        handed_out=("id", "status", "created_at", "ended_at", "expires_at"),
        deleted=True,
    ),
    PersonalTable(
        name="old_users",
        of_person="user_id = :user_id",
        handed_out=("source_id", "outcome", "detail", "created_at", "updated_at"),
        erased={"fingerprint": "''", "detail": "''"},
        kept={"source_id": "so that the old world does not bring the person back"},
    ),
    PersonalTable(
        name="audit_log",
        of_person="actor = ANY(:actors) OR target = :user_id",
        handed_out=("id", "at", "actor", "action", "target", "reason"),
        erased={"reason": "''"},
        kept={
            "before": "fields, ids and states, never a word of a person's",
            "after": "fields, ids and states, never a word of a person's",
            "actor": "ids; without the account they name nobody",
            "target": "an id",
            "action": "a word of ours",
        },
    ),
    PersonalTable(
        name="erasures",
        of_person="user_id = :user_id",
        handed_out=("id", "status", "created_at"),
        kept={"actor": "an id", "kept": "counts"},
    ),
    PersonalTable(
        name="users",
        of_person="id = :user_id",
        handed_out=(
            "id",
            "email",
            "email_verified_at",
            "phone",
            "phone_verified_at",
            "name",
            "role",
            "permissions",
            "vendor_id",
            "vendor_rank",
            "totp_confirmed_at",
            "created_at",
            "updated_at",
            "disabled_at",
        ),
        erased={
            "email": "NULL",
            "email_verified_at": "NULL",
            "phone": "NULL",
            "phone_verified_at": "NULL",
            "name": "''",
            "password_hash": "NULL",
            "permissions": "'[]'",
            "vendor_id": "NULL",
            "vendor_rank": "NULL",
            "totp_secret": "NULL",
            "totp_confirmed_at": "NULL",
            "totp_last_step": "NULL",
            "disabled_at": "coalesce(disabled_at, now())",
            "erased_at": "coalesce(erased_at, now())",
            "updated_at": "now()",
        },
    ),
)
