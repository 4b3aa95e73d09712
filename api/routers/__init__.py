"""The calls, one file per resource."""

from __future__ import annotations

from fastapi import APIRouter

from api.routers import (
    admin_audit,
    admin_orders,
    admin_promotions,
    admin_review_rules,
    admin_terms,
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
    admin_promotions.api,
    admin_terms.api,
    admin_orders.api,
    admin_review_rules.api,
    webhooks.api,
    operations.api,
)
