"""The task queues; each has its own worker pool, so that a slow one fills only itself."""

from __future__ import annotations

from enum import StrEnum


class TaskQueue(StrEnum):
    CHECKOUT = "checkout"
    INVENTORY = "inventory"
    PAYMENTS = "payments"
    FULFILLMENT = "fulfillment"
    MAINTENANCE = "maintenance"
    CATALOGUE = "catalogue"
    NOTIFICATIONS = "notifications"
    SEARCH = "search"
