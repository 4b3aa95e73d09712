"""The calls, one file per resource."""

from __future__ import annotations

from fastapi import APIRouter

from api.routers import (
    admin_audit,
    admin_orders,
    admin_oversight,
    admin_review_rules,
    auth,
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
    holds.api,
    checkouts.api,
    orders.api,
    returns.api,
    admin_audit.api,
    admin_oversight.api,
    admin_orders.api,
    admin_review_rules.api,
    webhooks.api,
    operations.api,
)
