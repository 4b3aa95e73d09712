"""Personal data of what people ordered; what the law asks to keep stays, without its person."""

from __future__ import annotations

from collections.abc import Sequence

from models.personal_map.personal_table import PersonalTable

_LAW = "what was bought, where it was supplied and what it cost: kept as long as tax law asks"
_PROOF = "proof that the goods were delivered"


def _no_address(document: str) -> str:
    """Country and region stay: they are the place of the supply, by which it was taxed."""
    return (
        "jsonb_build_object('name', '', 'line1', '', 'line2', NULL, 'city', '', 'postal_code', '', "
        f"'region', {document} -> 'region', 'country', {document} -> 'country', 'phone', NULL)"
    )


_DRAFTS_NO_ADDRESS = _no_address("(cart -> 'shipping_address')")
_OF_ORDERS = "order_id = ANY(:orders)"
_RETURN_REASONS = "('changed_mind', 'damaged', 'wrong_item', 'not_as_described', 'other')"

ORDERS = """
SELECT id FROM orders WHERE customer_id = :user_id
UNION SELECT order_id FROM checkout_drafts WHERE customer_id = :user_id
UNION SELECT o.id FROM orders o JOIN users u ON u.id = :user_id
  WHERE o.email IS NOT NULL AND u.email_verified_at IS NOT NULL AND lower(o.email) = lower(u.email)
"""
"""All that a person ordered."""

PURCHASES: Sequence[PersonalTable] = (
    PersonalTable(
        name="checkout_drafts",
        of_person=f"customer_id = :user_id OR {_OF_ORDERS}",
        handed_out=("order_id", "number", "cart", "created_at"),
        erased={
            "cart": "cart || jsonb_build_object('email', NULL, 'payment_method', '', "
            f"'shipping_address', {_DRAFTS_NO_ADDRESS})"
        },
    ),
    PersonalTable(
        name="orders",
        of_person="id = ANY(:orders)",
        handed_out=(
            "id",
            "number",
            "status",
            "payment_status",
            "fulfillment_status",
            "currency",
            "subtotal_amount",
            "discount_amount",
            "shipping_amount",
            "tax_amount",
            "total_amount",
            "email",
            "shipping_method",
            "shipping_address",
            "failure",
            "review",
            "created_at",
            "delivered_at",
        ),
        erased={
            "email": "CASE WHEN email IS NULL THEN NULL ELSE '' END",
            "shipping_address": _no_address("shipping_address"),
            "next_action": "NULL",
        },
        kept={
            "failure": "a code, and what was short",
            "review": "the rules that held it",
            "waiting_for": "nothing waits when a person is erased",
        },
    ),
    PersonalTable(
        name="order_items",
        of_person=_OF_ORDERS,
        handed_out=(
            "order_id",
            "id",
            "sku",
            "name",
            "quantity",
            "unit_price_amount",
            "total_amount",
            "tax_amount",
            "discount_amount",
            "returned_quantity",
        ),
        kept={"name": _LAW},
    ),
    PersonalTable(
        name="order_timeline",
        of_person=_OF_ORDERS,
        handed_out=("order_id", "sequence", "at", "type", "title", "detail", "actor"),
        erased={"detail": "''"},
        kept={"title": "words of ours", "actor": "ids; without the account they name nobody"},
    ),
    PersonalTable(
        name="order_edits",
        of_person=_OF_ORDERS,
        handed_out=(
            "id",
            "order_id",
            "status",
            "changes",
            "difference_amount",
            "reason",
            "created_at",
        ),
        erased={"reason": "''"},
        kept={"changes": _LAW, "actor": "an id"},
    ),
    PersonalTable(
        name="payments",
        of_person=_OF_ORDERS,
        handed_out=(
            "id",
            "order_id",
            "provider",
            "provider_payment_id",
            "payment_method",
            "status",
            "currency",
            "amount",
            "captured_amount",
            "refunded_amount",
            "created_at",
        ),
        erased={"payment_method": "''", "next_action": "NULL"},
        kept={"decline_code": "a code of the provider's"},
    ),
    PersonalTable(
        name="refunds",
        of_person=_OF_ORDERS,
        handed_out=(
            "id",
            "order_id",
            "amount",
            "currency",
            "status",
            "reason",
            "items",
            "created_at",
        ),
        erased={"reason": "''"},
        kept={"items": _LAW, "actor": "an id"},
    ),
    PersonalTable(
        name="returns",
        of_person=_OF_ORDERS,
        handed_out=(
            "id",
            "order_id",
            "status",
            "rejection_reason",
            "tracking_number",
            "refund_amount",
            "created_at",
        ),
        erased={"rejection_reason": "NULL", "tracking_number": "NULL"},
    ),
    PersonalTable(
        name="return_items",
        of_person="return_id IN (SELECT id FROM returns WHERE order_id = ANY(:orders))",
        handed_out=("return_id", "item_id", "quantity", "reason", "exchange_sku"),
        erased={
            "reason": f"CASE WHEN reason IN {_RETURN_REASONS} THEN reason ELSE 'other' END",
        },
    ),
    PersonalTable(
        name="disputes",
        of_person=_OF_ORDERS,
        handed_out=(
            "id",
            "order_id",
            "provider",
            "status",
            "reason",
            "currency",
            "amount",
            "evidence",
            "opened_at",
            "closed_at",
        ),
        erased={"evidence": "NULL"},
        kept={
            "reason": "the provider's word for it",
            "held": "amounts of vendors",
            "submitted_by": "an id",
        },
    ),
    PersonalTable(
        name="shipments",
        of_person=_OF_ORDERS,
        handed_out=(
            "id",
            "order_id",
            "status",
            "carrier",
            "tracking_number",
            "label_url",
            "handed_over_at",
            "delivered_at",
        ),
        erased={"label_url": "NULL"},
        kept={"tracking_number": _PROOF, "failure": "a word of ours"},
    ),
    PersonalTable(
        name="shipment_events",
        of_person="shipment_id IN (SELECT id FROM shipments WHERE order_id = ANY(:orders))",
        handed_out=("shipment_id", "status", "description", "location", "occurred_at"),
        erased={"description": "''", "location": "NULL"},
    ),
    PersonalTable(
        name="idempotency_keys",
        of_person="caller_id = :user_id OR resource_id = ANY(:orders) OR resource_id IN "
        "(SELECT id FROM refunds WHERE order_id = ANY(:orders) "
        "UNION SELECT id FROM returns WHERE order_id = ANY(:orders))",
        erased={
            "key": "CASE WHEN caller_id = :user_id OR starts_with(caller_id, 'crt_') "
            "THEN resource_id ELSE key END",
            "response_body": "CASE WHEN response_body IS NOT NULL THEN CAST('' AS bytea) END",
        },
        kept={"response_location": "an address of ours", "request_hash": "a hash"},
    ),
)
