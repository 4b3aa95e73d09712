"""Settlements: what a vendor is owed is drawn up, approved and paid."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from temporalio import activity

from core.domain.events import Actor
from core.domain.statuses import SettlementStatus


@dataclass(frozen=True, kw_only=True)
class SettlementRef:
    settlement_id: str


@dataclass(frozen=True, kw_only=True)
class SettlementRequest:
    """What to draw up: all that is payable before ``period_end`` (UTC, whole seconds).

    Of a settlement that exists its id is enough: it goes on where it stands.
    """

    settlement_id: str
    vendor_id: str = ""
    currency: str = ""
    period_end: datetime | None = None
    actor: str = Actor.SYSTEM


@dataclass(frozen=True, kw_only=True)
class SettlementState:
    """How a settlement stands; ``amount`` in minor units, None of a status: nothing to be paid."""

    status: SettlementStatus | None
    version: int = 0
    amount: int = 0
    approvals_needed: int = 0
    approvers: Sequence[str] = ()
    created_by: str = Actor.SYSTEM
    attempt: int = 0
    failure: str | None = None
    remind_every_seconds: int = 86_400


@dataclass(frozen=True, kw_only=True)
class SettlementDecision:
    """Who approves, cancels or retries a settlement, and why."""

    actor: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class DecideSettlement:
    """The same, as the database takes it; ``update_id`` makes it once."""

    settlement_id: str
    actor: str
    reason: str
    update_id: str


@dataclass(frozen=True, kw_only=True)
class RemindSettlement:
    """``version`` is the state that people are reminded of."""

    settlement_id: str
    version: int


@dataclass(frozen=True, kw_only=True)
class NoteSettlement:
    """``why`` it does not go on, in words."""

    settlement_id: str
    why: str


@dataclass(frozen=True, kw_only=True)
class SendTransfer:
    """Which attempt to pay is to be asked about, and sent when the provider does not know it."""

    settlement_id: str
    attempt: int


@dataclass(frozen=True, kw_only=True)
class SettlementRun:
    """Input of a run over all vendors; ``until`` is the end of the period (UTC).

    The vendors after ``after`` (vendor and currency) are still to be looked at.
    """

    until: datetime | None = None
    after: tuple[str, str] = ("", "")
    started: int = 0


@dataclass(frozen=True, kw_only=True)
class StartedSettlements:
    """How many were started or run already, and where to go on; None of ``after`` at the end."""

    started: int
    after: tuple[str, str] | None


class SettlementActivities(ABC):
    """Local activities; each returns how the settlement then stands."""

    @activity.defn
    @abstractmethod
    async def draw_up_settlement(self, step: SettlementRequest) -> SettlementState:
        """Put everything that is payable into a settlement; find it when it is there already."""

    @activity.defn
    @abstractmethod
    async def approve_settlement(self, step: DecideSettlement) -> SettlementState:
        """Count a person's approval."""

    @activity.defn
    @abstractmethod
    async def cancel_settlement(self, step: DecideSettlement) -> SettlementState:
        """Give it up: its entries go to the next one."""

    @activity.defn
    @abstractmethod
    async def retry_settlement(self, step: DecideSettlement) -> SettlementState:
        """Let one that failed be paid again."""

    @activity.defn
    @abstractmethod
    async def begin_transfer(self, step: SettlementRef) -> SettlementState:
        """Decide where it is paid to; a vendor without a payout account keeps it waiting."""

    @activity.defn
    @abstractmethod
    async def note_settlement(self, step: NoteSettlement) -> SettlementState:
        """Show what keeps it from going on."""

    @activity.defn
    @abstractmethod
    async def remind_of_settlement(self, step: RemindSettlement) -> SettlementState:
        """Tell people that it still waits for them."""


class TransferActivities(ABC):
    """On the payments queue."""

    @activity.defn
    @abstractmethod
    async def send_transfer(self, step: SendTransfer) -> SettlementState:
        """Pay the vendor unless the provider has done it; record what the provider says."""


class SettlementRunActivities(ABC):
    """On the maintenance queue."""

    @activity.defn
    @abstractmethod
    async def start_settlements(self, step: SettlementRun) -> StartedSettlements:
        """Start the settlements of some vendors, and go on with those that were left alone."""
