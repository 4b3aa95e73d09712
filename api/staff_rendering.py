"""Orders as JSON for staff: what customers see, whose it is, and what it waits for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api import workflow_visibility
from api.disputes import dispute_document
from api.rendering import order_document, order_number
from api.stuck import StuckOrder
from core.settings import Settings
from models.repositories.dispute_views import DisputeView
from models.repositories.oversight_views import StaffOrder, WaitView


def staff_order_document(found: StaffOrder, settings: Settings) -> dict[str, Any]:
    """Return the contract's order with its customer and its parked steps."""
    return {
        **order_document(found.order),
        "customer_id": found.order.customer_id,
        "waits": [_wait(wait, settings) for wait in found.waits],
    }


def staff_detail_document(
    found: StaffOrder,
    timeline: Sequence[Mapping[str, Any]],
    disputes: Sequence[DisputeView],
    settings: Settings,
) -> dict[str, Any]:
    """Return the same with everything that has happened and its disputes, the oldest first."""
    return {
        **staff_order_document(found, settings),
        "timeline": timeline,
        "disputes": [dispute_document(one) for one in disputes],
    }


def stuck_document(found: StuckOrder, settings: Settings) -> dict[str, Any]:
    """Return a stuck order: the worst cause in front, and all of them."""
    order, worst = found.order, found.causes[0]
    waits = [cause.wait for cause in found.causes if cause.wait is not None]
    wait = worst.wait or (waits[0] if waits else None)
    workflow_ids = [
        *(cause.workflow_id for cause in found.causes),
        *(one.workflow_id for one in found.running),
    ]
    return {
        "id": order.id,
        "number": order_number(order.number),
        "customer_id": order.customer_id,
        "status": order.status,
        "payment_status": order.payment_status,
        "fulfillment_status": order.fulfillment_status,
        "reason": worst.reason,
        "since": min(cause.since for cause in found.causes),
        "attempts": wait.attempts if wait else 0,
        "last_error": wait.last_error if wait else None,
        "next_attempt_at": wait.next_attempt_at if wait else None,
        "actions": sorted({action for one in waits for action in one.actions}),
        "causes": [
            {
                "kind": cause.kind,
                "reason": cause.reason,
                "since": cause.since,
                "workflow_id": cause.workflow_id,
                "temporal_url": workflow_visibility.link(settings.temporal, cause.workflow_id),
            }
            for cause in found.causes
        ],
        "waits": [_wait(one, settings) for one in waits],
        "workflows": workflow_visibility.links(settings.temporal, workflow_ids),
    }


def _wait(wait: WaitView, settings: Settings) -> dict[str, Any]:
    return {
        "what": wait.what,
        "since": wait.since_at,
        "attempts": wait.attempts,
        "last_error": wait.last_error,
        "next_attempt_at": wait.next_attempt_at,
        "actions": wait.actions,
        "workflow_id": wait.workflow_id,
        "temporal_url": workflow_visibility.link(settings.temporal, wait.workflow_id),
    }
