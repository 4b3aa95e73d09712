"""How webhooks misbehave, of a service or of one order, switched by `POST /_control/webhooks`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

REORDER_STEP_SECONDS = 0.05
"""Kept between reversed deliveries, so that concurrent sending cannot put them right again."""

_Scope = tuple[str, str | None]
"""A service, and the order when it is for one only."""


class WebhookMode(StrEnum):
    NORMAL = "normal"
    DUPLICATE = "duplicate"
    DELAY = "delay"
    REORDER = "reorder"
    DROP = "drop"
    EARLY = "early"


@dataclass(frozen=True, kw_only=True)
class Switch:
    mode: WebhookMode = WebhookMode.NORMAL
    delay_ms: int | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """When to send, in unix seconds, once for each delivery; empty means never."""

    due: tuple[float, ...]
    early: bool = False


class WebhookModes:
    """Thread-safe enough: planning happens on the store's thread, a switch replaces one value."""

    def __init__(self, *, delay_ms: int) -> None:
        self._delay = delay_ms / 1000
        self._switches: dict[_Scope, Switch] = {}
        self._window_starts: dict[_Scope, float] = {}

    def set(self, service: str, switch: Switch, order_id: str | None = None) -> None:
        """Switch a service, or what it tells of one order, which then goes before."""
        self._switches[service, order_id] = switch
        self._window_starts.pop((service, order_id), None)

    def get(self, service: str) -> Switch:
        return self._switches.get((service, None), Switch())

    def forget_orders(self) -> None:
        self._switches = {scope: one for scope, one in self._switches.items() if scope[1] is None}
        self._window_starts.clear()

    def ask_for_order(self, service: str) -> bool:
        """Whether it matters which order an event is about."""
        return any(of == service and order is not None for of, order in self._switches)

    def of_orders(self) -> list[dict[str, Any]]:
        """The switches of single orders, as they are stored."""
        return [
            {"service": service, "order_id": order, "mode": one.mode, "delay_ms": one.delay_ms}
            for (service, order), one in self._switches.items()
            if order is not None
        ]

    def plan(self, service: str, now: float, position: int, order_id: str | None = None) -> Plan:
        """The deliveries of one event; `position` counts the events of the same transaction."""
        scope = (service, order_id if (service, order_id) in self._switches else None)
        switch = self._switches.get(scope, Switch())
        normal = now + self._delay
        match switch.mode:
            case WebhookMode.NORMAL:
                return Plan(due=(normal,))
            case WebhookMode.DUPLICATE:
                return Plan(due=(normal, normal))
            case WebhookMode.DELAY:
                return Plan(due=(now + (switch.delay_ms or 5000) / 1000,))
            case WebhookMode.REORDER:
                return Plan(due=(self._reversed(scope, now, position, switch),))
            case WebhookMode.DROP:
                return Plan(due=())
            case WebhookMode.EARLY:
                return Plan(due=(now,), early=True)

    def _reversed(self, scope: _Scope, now: float, position: int, switch: Switch) -> float:
        """Mirror the moment within its window: the newest of a window is sent first."""
        window = (switch.delay_ms or 1000) / 1000
        start = self._window_starts.get(scope)
        if start is None or now - start > window:
            self._window_starts[scope] = start = now
        return start + window + (window - (now - start)) - position * REORDER_STEP_SECONDS
