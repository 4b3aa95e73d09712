"""The calls, one file per resource."""

from __future__ import annotations

from fastapi import APIRouter

from api.routers import (
    admin_audit,
    admin_orders,
    admin_oversight,
    admin_promotions,
    admin_review_rules,
    admin_shipments,
    admin_stock,
    admin_terms,
    admin_transfers,
    admin_warehouses,
    auth,
    carts,
    catalogue,
    checkouts,
    disputes,
    holds,
    me,
    operations,
    orders,
    quotes,
    returns,
    vendor_shipments,
    webhooks,
)

ROUTERS: tuple[APIRouter, ...] = (
    auth.api,
    me.api,
    catalogue.api,
    quotes.api,
    carts.api,
    holds.api,
    checkouts.api,
    orders.api,
    returns.api,
    admin_audit.api,
    admin_promotions.api,
    admin_terms.api,
    admin_stock.api,
    admin_transfers.api,
    admin_warehouses.api,
    admin_oversight.api,
    admin_orders.api,
    admin_review_rules.api,
    vendor_shipments.api,
    admin_shipments.api,
    disputes.api,
    webhooks.api,
    operations.api,
)
