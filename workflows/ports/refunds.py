"""A refund, in parts to the payments that it comes from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from temporalio import activity

from core.domain.statuses import RefundStatus


@dataclass(frozen=True, kw_only=True)
class RefundRef:
    order_id: str
    refund_id: str


@dataclass(frozen=True, kw_only=True)
class RefundPlan:
    """The payments that have not given back their part yet, and how the refund stands."""

    status: RefundStatus
    payment_ids: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class SendRefundPart:
    """``tries`` is how often it may be sent in all: one more after each failure a person saw."""

    order_id: str
    refund_id: str
    payment_id: str
    tries: int


@dataclass(frozen=True, kw_only=True)
class RefundPartState:
    """How a part stands at the provider, and how often it has failed there."""

    status: RefundStatus
    failures: int = 0
    failure_code: str | None = None


@dataclass(frozen=True, kw_only=True)
class GiveUpRefundPart:
    order_id: str
    refund_id: str
    payment_id: str
    actor: str
    reason: str


class RefundActivities(ABC):
    """``plan_refund`` and ``give_up_refund_part`` are local activities."""

    @activity.defn
    @abstractmethod
    async def plan_refund(self, step: RefundRef) -> RefundPlan:
        """Return what is still to be given back, and by which payments."""

    @activity.defn
    @abstractmethod
    async def send_refund_part(self, step: SendRefundPart) -> RefundPartState:
        """Give a part back, unless the provider has it already; record what the provider says."""

    @activity.defn
    @abstractmethod
    async def give_up_refund_part(self, step: GiveUpRefundPart) -> RefundPlan:
        """Record that a part is not given back by the provider: a person decided so."""
