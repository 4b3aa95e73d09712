"""Columns that are not handed out, and those that are nobody's: the rest of the schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

NOT_HANDED_OUT: Mapping[str, str] = {
    "account_messages.secret_hash": "a secret",
    "audit_log.after": "states, never a word of a person's",
    "audit_log.before": "states, never a word of a person's",
    "carts.token_hash": "a secret",
    "disputes.held": "amounts of vendors",
    "erasures.actor": "who asked for it",
    "erasures.kept": "made when there is nobody to be handed it",
    "idempotency_keys": "answers that were given, of which all is handed out elsewhere",
    "old_users.fingerprint": "a hash of what the old world said",
    "order_edits.actor": "somebody of staff",
    "orders.next_action": "what a bank asked for, with its secret",
    "orders.waiting_for": "words for staff; the timeline has what happened",
    "payments.next_action": "what a bank asked for, with its secret",
    "personal_exports.object_key": "where the file is kept",
    "refresh_tokens": "secrets of sessions, which are handed out",
    "refunds.actor": "in the timeline",
    "shipments.failure": "in the timeline",
    "users.password_hash": "a secret",
    "users.totp_secret": "a secret",
}
"""Of the personal tables, what the person does not get, and why."""

PLAIN_NAMES = (
    r"(id|.*_id|.*_ids|status|.*_status|outcome|kind|type|action|purpose|method|.*_method|currency|"
    r"provider|carrier|country|sku|.*_sku|slug|role|rank|.*_rank|scope|scopes|code|.*_code|"
    r"allocation|fulfillment|policy|.*_policy|backorder_policy|workflow_id|.*_by)"
)
"""Names of columns that hold ids, codes and words of ours, whatever the table."""

INDEX = "search_"
"""Tables of the search index hold goods alone."""

NOBODYS: Mapping[str, Sequence[str]] = {
    "api_keys": ("name", "secret_hash", "previous_secret_hash"),
    "categories": ("name", "description"),
    "differences": (
        "subject",
        "repair",
        "evidence",
        "found_in",
        "seen_in",
        "resolution",
        "actor",
        "reason",
    ),
    "feature_flags": ("name",),
    "job_parts": ("errors",),
    "jobs": ("actor", "parameters", "input_key", "output_key", "errors_key", "error"),
    "ledger_entries": ("posting_key", "account", "holder"),
    "ledger_postings": ("key", "reference"),
    "order_waits": ("what", "last_error", "actions"),
    "outbox": ("payload",),
    "outbox_consumers": ("name",),
    "product_media": ("url", "alt", "reason", "upload_key", "content_type", "thumbnails"),
    "products": ("name", "description", "options", "attributes", "approval", "approval_reason"),
    "promotions": ("name", "amounts", "minimum_amounts"),
    "provider_transactions": ("reference",),
    "reconciliations": ("cursor", "figures"),
    "review_rules": ("name",),
    "settlement_approvals": ("actor",),
    "settlement_lines": ("posting_key",),
    "settlements": ("destination", "failure"),
    "shipping_zone_places": ("region",),
    "shipping_zones": ("name",),
    "stock_movements": ("reason", "reference", "actor"),
    "stock_transfers": ("items", "actor", "reason"),
    "tax_rules": ("region",),
    "variants": ("title", "attributes"),
    "vendors": ("name", "payout_provider", "payout_account"),
    "warehouses": ("name", "region"),
    "webhook_events": ("reference", "payload"),
}
"""Columns that hold words and are no person's: of goods, terms and places, of businesses that sell,
of staff's own deeds, and of providers, of whom the gateways keep ids, states and amounts alone."""
