"""Settlements as the contract shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.rendering import order_number
from core.domain.statuses import SettlementStatus
from models.repositories.payables import Balance
from models.repositories.settlement_views import SettlementView, StatementLine
from models.settlements import CommissionRule, Settlement

_SUMS = ("sales", "refunds", "disputes", "adjustments", "commission")
_SENT = (SettlementStatus.PAYING, SettlementStatus.PAID, SettlementStatus.FAILED)


def rule_document(rule: CommissionRule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "vendor_id": rule.vendor_id,
        "category_id": rule.category_id,
        "basis_points": rule.basis_points,
        "created_at": rule.created_at,
        "updated_at": rule.updated_at,
    }


def settlement_document(settlement: Settlement) -> dict[str, Any]:
    """The settlement without its lines, as lists show it."""
    moments = ("period_start_at", "period_end_at", "created_at", "approved_at", "paid_at")
    return {
        "id": settlement.id,
        "vendor_id": settlement.vendor_id,
        "status": settlement.status,
        **_sums(settlement),
        "opening": _money(settlement, settlement.opening_amount),
        "amount": _money(settlement, settlement.amount),
        "carried": _money(settlement, settlement.carried_amount),
        "created_by": settlement.created_by,
        "approvals_needed": settlement.approvals_needed,
        "provider": settlement.provider,
        "provider_transfer_id": settlement.provider_transfer_id,
        "waiting_for": _wait(settlement),
        **{name: getattr(settlement, name) for name in moments},
    }


def details_document(view: SettlementView, lines: list[StatementLine]) -> dict[str, Any]:
    return {
        **settlement_document(view.settlement),
        "lines": [line_document(view.settlement, line) for line in lines],
        "approvals": [{"actor": one.actor, "at": one.at} for one in view.approvals],
    }


def statement_document(view: SettlementView, lines: list[StatementLine]) -> dict[str, Any]:
    """The statement; it adds up: opening + earned = amount + carried."""
    settlement = view.settlement
    earned = settlement.amount + settlement.carried_amount - settlement.opening_amount
    return {
        "settlement_id": settlement.id,
        "vendor_id": settlement.vendor_id,
        "vendor_name": view.vendor_name,
        "status": settlement.status,
        "currency": settlement.currency,
        "period_start_at": settlement.period_start_at,
        "period_end_at": settlement.period_end_at,
        "opening": _money(settlement, settlement.opening_amount),
        "earned": _money(settlement, earned),
        "lines": [line_document(settlement, line) for line in lines],
        **_sums(settlement),
        "amount": _money(settlement, settlement.amount),
        "carried": _money(settlement, settlement.carried_amount),
        "paid_at": settlement.paid_at,
    }


def line_document(settlement: Settlement, line: StatementLine) -> dict[str, Any]:
    return {
        "at": line.at,
        "kind": line.kind,
        "order_id": line.order_id,
        "order_number": None if line.order_number is None else order_number(line.order_number),
        "gross": _money(settlement, line.gross),
        "commission": _money(settlement, line.commission),
        "net": _money(settlement, line.net),
    }


def balance_document(balance: Balance) -> dict[str, Any]:
    names = ("owed", "payable", "settling", "waiting", "held")
    return {
        "vendor_id": balance.vendor_id,
        **{
            name: {"amount": getattr(balance, name), "currency": balance.currency} for name in names
        },
    }


def _sums(settlement: Settlement) -> dict[str, Any]:
    return {name: _money(settlement, getattr(settlement, f"{name}_amount")) for name in _SUMS}


def _money(settlement: Settlement, amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": settlement.currency}


def _wait(settlement: Settlement) -> dict[str, Any] | None:
    """What it waits for, if it does; a failure is told in the provider's words."""
    since: datetime = settlement.updated_at
    status = SettlementStatus(settlement.status)
    if status is SettlementStatus.AWAITING_APPROVAL:
        people = settlement.approvals_needed
        detail = f"{people} {'person has' if people == 1 else 'people have'} to approve it"
        return {"what": "approval", "detail": detail, "since": settlement.created_at}
    if status is SettlementStatus.FAILED:
        return {"what": "retry or cancel", "detail": settlement.failure or "", "since": since}
    if settlement.failure is not None:
        what = "the provider" if status in _SENT else "a payout account"
        return {"what": what, "detail": settlement.failure, "since": since}
    return None
