"""Payments to vendors: asked about before they are sent, recorded with their posting."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from temporalio import activity

from activities.providers import CLOCK_SKEW_SECONDS, gateway_of
from activities.settlements import state_of
from core.database import Database
from core.domain.errors import ProviderRejectedError
from core.domain.provider_books import ProviderTransfer
from core.domain.settlements import transfer_key, transfer_reference
from core.domain.statuses import SettlementStatus
from core.gateways.payments import PaymentGateway, Transfer
from core.settings_trade import SettlementSettings
from models.repositories import settlements, vendor_transfers
from models.settlements import Settlement
from workflows.ports.settlements import SendTransfer, SettlementState, TransferActivities

_SENT = (SettlementStatus.PAYING, SettlementStatus.PAID)


class GatewayTransferActivities(TransferActivities):
    def __init__(
        self,
        database: Database,
        gateways: Mapping[str, PaymentGateway],
        settings: SettlementSettings,
    ) -> None:
        self._database = database
        self._gateways = gateways
        self._settings = settings

    @activity.defn
    async def send_transfer(self, step: SendTransfer) -> SettlementState:
        async with self._database.transaction() as session:
            settlement = await settlements.lock(session, step.settlement_id)
            known = await state_of(session, settlement, self._settings)
        if known.attempt != step.attempt or known.status not in _SENT:
            return known
        found = await self._find(settlement)
        if found is None and known.status is SettlementStatus.PAYING:
            try:
                found = await self._gateway(settlement).transfer(_order(settlement))
            except ProviderRejectedError as refusal:
                return await self._fail(step, str(refusal))
        if found is None:
            return known
        _require_same(settlement, found)
        return await self._record(step, found)

    async def _find(self, settlement: Settlement) -> ProviderTransfer | None:
        """Always look first: a key is forgotten after a day, and a workflow can be reset later."""
        since = settlement.created_at - timedelta(seconds=CLOCK_SKEW_SECONDS)
        return await self._gateway(settlement).find_transfer(
            transfer_reference(settlement.id, settlement.attempt), since
        )

    def _gateway(self, settlement: Settlement) -> PaymentGateway:
        return gateway_of(self._gateways, settlement.provider or "")

    async def _record(self, step: SendTransfer, found: ProviderTransfer) -> SettlementState:
        async with self._database.transaction() as session:
            recorded = await vendor_transfers.record(
                session, step.settlement_id, step.attempt, found
            )
            return await state_of(session, recorded, self._settings)

    async def _fail(self, step: SendTransfer, failure: str) -> SettlementState:
        async with self._database.transaction() as session:
            failed = await vendor_transfers.fail(session, step.settlement_id, step.attempt, failure)
            return await state_of(session, failed, self._settings)


def _order(settlement: Settlement) -> Transfer:
    return Transfer(
        reference=transfer_reference(settlement.id, settlement.attempt),
        destination=settlement.destination or "",
        amount=settlement.amount,
        currency=settlement.currency,
        key=transfer_key(settlement.id, settlement.attempt),
    )


def _require_same(settlement: Settlement, found: ProviderTransfer) -> None:
    """Refuse a transfer under our reference that is not ours; people have to look.

    Raises:
        ProviderRejectedError: another amount or currency.
    """
    if (found.amount, found.currency) != (settlement.amount, settlement.currency):
        raise ProviderRejectedError(
            f"the provider's transfer {found.provider_transfer_id} is of {found.amount} "
            f"{found.currency}, not of {settlement.amount} {settlement.currency}"
        )
