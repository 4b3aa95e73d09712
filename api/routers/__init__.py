"""The calls, one file per resource."""

from __future__ import annotations

from fastapi import APIRouter

from api.routers import (
    admin_audit,
    auth,
    carts,
    catalogue,
    checkouts,
    holds,
    me,
    operations,
    orders,
    quotes,
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
    admin_audit.api,
    webhooks.api,
    operations.api,
)
