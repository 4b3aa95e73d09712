"""Orders as JSON, built straight from their rows: the answer of the hot path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.domain.statuses import FulfillmentStatus, OrderStatus, PaymentStatus
from models.repositories.order_views import DraftView, OrderView
from workflows import workflow_ids

_ADDRESS = ("name", "line1", "line2", "city", "region", "postal_code", "country", "phone")


def order_document(view: OrderView) -> dict[str, Any]:
    """Return the contract's order."""
    currency = view.currency
    return {
        "id": view.id,
        "number": order_number(view.number),
        "status": view.status,
        "payment_status": _shown(view.payment_status),
        "fulfillment_status": view.fulfillment_status,
        "items": [
            {
                **item,
                "unit_price": money(item["unit_price"], currency),
                "total": money(item["total"], currency),
                "discount": money(item["discount"], currency),
            }
            for item in view.items
        ],
        "subtotal": money(view.subtotal_amount, currency),
        "discount": money(view.discount_amount, currency),
        "shipping": money(view.shipping_amount, currency),
        **_taxes(view.tax_amount, currency, included=view.tax_included),
        "total": money(view.total_amount, currency),
        "promotions": _promotions(view.promotions, currency),
        "shipping_address": _address(view.shipping_address),
        "shipments": view.shipments,
        "refunds": [],
        "next_action": view.next_action,
        "workflow_id": view.workflow_id,
        "created_at": view.created_at,
        "updated_at": view.updated_at,
    }


def draft_document(draft: DraftView) -> dict[str, Any]:
    """Return the order that a draft will be, pending."""
    cart = draft.cart
    currency = cart["currency"]
    return {
        "id": draft.order_id,
        "number": order_number(draft.number),
        "status": OrderStatus.PENDING,
        "payment_status": PaymentStatus.PENDING,
        "fulfillment_status": FulfillmentStatus.UNFULFILLED,
        "items": [
            {
                "id": line["id"],
                "sku": line["sku"],
                "name": line["name"],
                "quantity": line["quantity"],
                "unit_price": money(line["unit_price"], currency),
                "total": money(line["total"], currency),
                "discount": money(line.get("discount", 0), currency),
                "vendor_id": line["vendor_id"],
                "backordered": None,
            }
            for line in cart["lines"]
        ],
        **{
            name: money(cart[name], currency)
            for name in ("subtotal", "discount", "shipping", "total")
        },
        **_taxes(cart["tax"], currency, included=cart.get("tax_included", False)),
        "promotions": _promotions(cart.get("promotions", ()), currency),
        "shipping_address": _address(cart["shipping_address"]),
        "shipments": [],
        "refunds": [],
        "next_action": None,
        "workflow_id": workflow_ids.checkout(draft.order_id),
        "created_at": draft.created_at,
        "updated_at": draft.created_at,
    }


def money(amount: int, currency: str) -> dict[str, Any]:
    return {"amount": amount, "currency": currency}


def _taxes(amount: int, currency: str, *, included: bool) -> dict[str, Any]:
    """Return what is added to the prices, and what they contain."""
    return {
        "tax": money(0 if included else amount, currency),
        "included_tax": money(amount if included else 0, currency),
    }


def _promotions(uses: Sequence[Mapping[str, Any]], currency: str) -> list[dict[str, Any]]:
    return [
        {"code": use["code"], "name": use["name"], "amount": money(use["amount"], currency)}
        for use in uses
    ]


def order_number(number: int) -> str:
    """Return an order's number as people read it."""
    return f"P-{number}"


def _shown(payment_status: str) -> str:
    """An unknown outcome is ours to resolve: customers see a payment that is pending."""
    return PaymentStatus.PENDING if payment_status == PaymentStatus.UNKNOWN else payment_status


def _address(address: Mapping[str, Any]) -> dict[str, Any]:
    return {name: address.get(name) for name in _ADDRESS}
