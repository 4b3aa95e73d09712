"""Where a provider, the database and Temporal can differ, and what would put it right."""

from __future__ import annotations

from enum import StrEnum


class DifferenceKind(StrEnum):
    UNKNOWN_PAYMENT = "unknown_payment"
    """The provider holds or took money for which there is no payment here."""
    UNWANTED_PAYMENT = "unwanted_payment"
    """The provider holds or took money for an order that failed, was canceled, or is paid."""
    MISSING_PAYMENT = "missing_payment"
    """A payment here that the provider does not know."""
    STATE = "state"
    """The provider tells another state than is recorded: an event was missed."""
    LOST_CAPTURE = "lost_capture"
    """The provider took what is only planned here: the answer was lost."""
    CAPTURED_AMOUNT = "captured_amount"
    REFUNDED_AMOUNT = "refunded_amount"
    UNKNOWN_REFUND = "unknown_refund"
    """Somebody gave money back at the provider itself, or its news were lost."""
    AMOUNT = "amount"
    """The provider authorized another amount than was asked for."""
    CURRENCY = "currency"
    UNKNOWN_DISPUTE = "unknown_dispute"
    DISPUTE_STATE = "dispute_state"
    UNKNOWN_TRANSFER = "unknown_transfer"
    """Money went to somebody's account and no settlement says why."""
    MISSING_TRANSFER = "missing_transfer"
    UNPROCESSED_EVENT = "unprocessed_event"
    """An event in the inbox that no workflow has finished."""
    MISSED_EVENT = "missed_event"
    """An event that the provider lists and the inbox does not have."""
    LOST_WORKFLOW = "lost_workflow"
    """An unfinished order for which no workflow runs."""
    BALANCE = "balance"
    """The ledger's balance at the provider is not the provider's."""


class RepairKind(StrEnum):
    """Only the first ones are safe without a person."""

    SYNC_PAYMENT = "sync_payment"
    VOID_PAYMENT = "void_payment"
    RESUME_CAPTURE = "resume_capture"
    OPEN_DISPUTE = "open_dispute"
    DRIVE_EVENT = "drive_event"
    RESTART_WORKFLOW = "restart_workflow"
    BOOK_ADJUSTMENT = "book_adjustment"
    """A person writes it to ``suspense`` and says why."""
    BY_HAND = "by_hand"


SAFE_REPAIRS = frozenset(
    {
        RepairKind.SYNC_PAYMENT,
        RepairKind.VOID_PAYMENT,
        RepairKind.RESUME_CAPTURE,
        RepairKind.OPEN_DISPUTE,
        RepairKind.DRIVE_EVENT,
        RepairKind.RESTART_WORKFLOW,
    }
)
"""What asks the provider first and changes nothing when there is nothing to change."""


class DifferenceStatus(StrEnum):
    OPEN = "open"
    """For a person."""
    REPAIRING = "repairing"
    REPAIRED = "repaired"
    RESOLVED = "resolved"
    """A person has said what it was."""
