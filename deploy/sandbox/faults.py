"""Faults that a person or a test switches on for one service and operation."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any


class FaultMode(StrEnum):
    LATENCY = "latency"
    ERROR_500 = "error_500"
    ERROR_429 = "error_429"
    CONNECTION_RESET = "connection_reset"
    TIMEOUT_AFTER_EFFECT = "timeout_after_effect"
    DOWN = "down"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`count` is how often it still strikes, None for ever; `operation` may be ``*``.

    With an `order_id` it strikes the requests about that order only.
    """

    id: str
    service: str
    operation: str
    mode: FaultMode
    latency_ms: int | None = None
    probability: float = 1.0
    count: int | None = None
    order_id: str | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Faults:
    """The faults in force, in the order in which they were set; the first that matches strikes."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        # Which request is struck is a die, not a secret.
        self._dice = random.Random()  # noqa: S311

    def load(self, stored: list[dict[str, Any]]) -> None:
        self._faults = [Fault(**{**one, "mode": FaultMode(one["mode"])}) for one in stored]

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def clear(self) -> None:
        self._faults.clear()

    def as_json(self) -> list[dict[str, Any]]:
        return [fault.as_json() for fault in self._faults]

    def ask_for_order(self, service: str, operation: str) -> bool:
        """Whether it matters which order a request is about."""
        return any(
            fault.order_id is not None and _is_of(fault, service, operation)
            for fault in self._faults
        )

    def strike(self, service: str, operation: str, order_id: str | None = None) -> Fault | None:
        """The fault that this request suffers; its count is used up by one."""
        for index, fault in enumerate(self._faults):
            if not _is_of(fault, service, operation) or fault.order_id not in {None, order_id}:
                continue
            if self._dice.random() >= fault.probability:
                continue
            if fault.count is not None:
                self._use_up(index, fault, fault.count)
            return fault
        return None

    def _use_up(self, index: int, fault: Fault, count: int) -> None:
        if count <= 1:
            del self._faults[index]
        else:
            self._faults[index] = replace(fault, count=count - 1)


def _is_of(fault: Fault, service: str, operation: str) -> bool:
    return fault.service == service and fault.operation in {operation, "*"}
