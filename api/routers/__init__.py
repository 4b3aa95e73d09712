"""The calls, one file per resource."""

from __future__ import annotations

from fastapi import APIRouter

from api.routers import (
    admin_audit,
    admin_orders,
    admin_review_rules,
    auth,
    carts,
    catalogue,
    checkouts,
    holds,
    me,
    operations,
    orders,
    quotes,
    returns,
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
    admin_orders.api,
    admin_review_rules.api,
    webhooks.api,
    operations.api,
)
