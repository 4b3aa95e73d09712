"""The calls, one file per resource."""

from __future__ import annotations

from fastapi import APIRouter

from api.routers import (
    admin_audit,
    admin_shipments,
    auth,
    catalogue,
    checkouts,
    holds,
    me,
    operations,
    orders,
    quotes,
    vendor_shipments,
    webhooks,
)

ROUTERS: tuple[APIRouter, ...] = (
    auth.api,
    me.api,
    catalogue.api,
    quotes.api,
    holds.api,
    checkouts.api,
    orders.api,
    vendor_shipments.api,
    admin_audit.api,
    admin_shipments.api,
    webhooks.api,
    operations.api,
)
