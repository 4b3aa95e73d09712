"""How webhooks of each service misbehave, as switched by `POST /_control/webhooks`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

REORDER_STEP_SECONDS = 0.05
"""Kept between reversed deliveries, so that concurrent sending cannot put them right again."""


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
        self._switches: dict[str, Switch] = {}
        self._window_starts: dict[str, float] = {}

    def set(self, service: str, switch: Switch) -> None:
        self._switches[service] = switch
        self._window_starts.pop(service, None)

    def get(self, service: str) -> Switch:
        return self._switches.get(service, Switch())

    def plan(self, service: str, now: float, position: int) -> Plan:
        """The deliveries of one event; `position` counts the events of the same transaction."""
        switch = self.get(service)
        normal = now + self._delay
        match switch.mode:
            case WebhookMode.NORMAL:
                return Plan(due=(normal,))
            case WebhookMode.DUPLICATE:
                return Plan(due=(normal, normal))
            case WebhookMode.DELAY:
                return Plan(due=(now + (switch.delay_ms or 5000) / 1000,))
            case WebhookMode.REORDER:
                return Plan(due=(self._reversed(service, now, position, switch),))
            case WebhookMode.DROP:
                return Plan(due=())
            case WebhookMode.EARLY:
                return Plan(due=(now,), early=True)

    def _reversed(self, service: str, now: float, position: int, switch: Switch) -> float:
        """Mirror the moment within its window: the newest of a window is sent first."""
        window = (switch.delay_ms or 1000) / 1000
        start = self._window_starts.get(service)
        if start is None or now - start > window:
            self._window_starts[service] = start = now
        return start + window + (window - (now - start)) - position * REORDER_STEP_SECONDS
