"""What Paystack tells besides payments: its ledger, its payouts to our bank, and disputes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.domain.errors import ProviderRejectedError
from core.domain.provider_books import (
    Evidence,
    Page,
    ProviderDispute,
    ProviderMovement,
)
from core.domain.statuses import DisputeStatus
from core.gateways.paystack_http import PaystackClient
from core.gateways.paystack_mapping import from_wire, metadata_of, note_of
from core.gateways.paystack_mapping_books import (
    dispute_of,
    evidence_body,
    is_payout,
    movement_of,
    payout_movements_of,
)

LOOK_UPS_AT_ONCE = 8
_PAYOUTS = "settlement:"
"""A cursor that begins so goes on in the list of settlements."""
_EVIDENCE_FILE = "statement.txt"


@dataclass(frozen=True, kw_only=True)
class _Source:
    """What a movement is about, as far as its own row does not tell."""

    amount: int | None = None
    source_id: str | None = None
    provider_payment_id: str | None = None
    reference: str | None = None


class PaystackBooks:
    """The part of the gateway that looks after everything but payments."""

    _client: PaystackClient

    async def list_movements(
        self, since: datetime, until: datetime, cursor: str | None = None
    ) -> Page[ProviderMovement]:
        """See ``PaymentGateway``: the ledger first, then what was paid out to our bank."""
        window = {"from": since.isoformat(), "to": until.isoformat()}
        if cursor is not None and cursor.startswith(_PAYOUTS):
            return await self._list_payouts(int(cursor.removeprefix(_PAYOUTS)), window)
        number = int(cursor or 1)
        page = await self._client.page("/balance/ledger", number, **window)
        turns = asyncio.Semaphore(LOOK_UPS_AT_ONCE)

        async def read(row: Mapping[str, Any]) -> ProviderMovement:
            async with turns:
                source = await self._source_of(row)
            return movement_of(
                row,
                amount=source.amount,
                source_id=source.source_id,
                provider_payment_id=source.provider_payment_id,
                reference=source.reference,
            )

        return Page(
            items=await asyncio.gather(*(read(row) for row in page.data if not is_payout(row))),
            next_cursor=str(number + 1) if page.has_more else f"{_PAYOUTS}1",
        )

    async def _list_payouts(self, number: int, window: Mapping[str, str]) -> Page[ProviderMovement]:
        """The settlements of our own account, not those of accounts that we split payments with."""
        page = await self._client.page("/settlement", number, subaccount="none", **window)
        return Page(
            items=[movement for one in page.data for movement in payout_movements_of(one)],
            next_cursor=f"{_PAYOUTS}{number + 1}" if page.has_more else None,
        )

    async def _source_of(self, row: Mapping[str, Any]) -> _Source:
        """Ask for the amount before fees, and for our own references."""
        number = row["model_row"]
        match row["model_responsible"]:
            case "Transaction":
                found = await self._client.get(f"/transaction/{number}")
                return _Source(
                    amount=from_wire(found["amount"], row["currency"]),
                    provider_payment_id=found["reference"],
                    reference=metadata_of(found).get("order_id"),
                )
            case "Refund":
                found = await self._client.get(f"/refund/{number}")
                note = note_of(found)
                return _Source(
                    provider_payment_id=await self._reference_of(found["transaction"]),
                    reference=note.reference if note else None,
                )
            case "Dispute":
                found = await self._client.get(f"/dispute/{number}")
                return _Source(provider_payment_id=found["transaction"]["reference"])
            case "Transfer":
                found = await self._client.get(f"/transfer/{number}")
                amount = from_wire(found["amount"], row["currency"])
                return _Source(
                    amount=-amount if row["difference"] < 0 else amount,
                    source_id=found["transfer_code"],
                    reference=found["reference"],
                )
            case _:
                return _Source()

    async def _reference_of(self, transaction: Any) -> str:
        if not isinstance(transaction, Mapping):
            transaction = await self._client.get(f"/transaction/{transaction}")
        return str(transaction["reference"])

    async def list_disputes(
        self, since: datetime, cursor: str | None = None
    ) -> Page[ProviderDispute]:
        number = int(cursor or 1)
        page = await self._client.page("/dispute", number, **{"from": since.isoformat()})
        return Page(
            items=[dispute_of(one) for one in page.data],
            next_cursor=str(number + 1) if page.has_more else None,
        )

    async def fetch_dispute(self, provider_dispute_id: str) -> ProviderDispute:
        return dispute_of(await self._client.get(f"/dispute/{provider_dispute_id}"))

    async def submit_evidence(
        self, provider_dispute_id: str, evidence: Evidence, *, key: str
    ) -> ProviderDispute:
        del key  # a dispute that was answered is not answered again
        dispute = await self.fetch_dispute(provider_dispute_id)
        if dispute.status is DisputeStatus.UNDER_REVIEW:
            return dispute
        if dispute.status is not DisputeStatus.NEEDS_RESPONSE:
            raise ProviderRejectedError(f"paystack: the dispute is {dispute.status}")
        added = await self._client.send(
            "POST", f"/dispute/{provider_dispute_id}/evidence", evidence_body(evidence)
        )
        await self._resolve(
            provider_dispute_id,
            resolution="declined",
            refund_amount=0,
            statement=evidence.explanation,
            evidence=added["id"],
        )
        return await self.fetch_dispute(provider_dispute_id)

    async def accept_dispute(self, provider_dispute_id: str, *, key: str) -> ProviderDispute:
        del key
        dispute = await self._client.get(f"/dispute/{provider_dispute_id}")
        present = dispute_of(dispute)
        if present.status is DisputeStatus.LOST:
            return present
        if present.status is not DisputeStatus.NEEDS_RESPONSE:
            raise ProviderRejectedError(f"paystack: the dispute is {present.status}")
        await self._resolve(
            provider_dispute_id,
            resolution="merchant-accepted",
            refund_amount=dispute["refund_amount"],
            statement="The claim is accepted.",
        )
        return await self.fetch_dispute(provider_dispute_id)

    async def _resolve(
        self,
        dispute_id: str,
        *,
        resolution: str,
        refund_amount: int,
        statement: str,
        evidence: int | None = None,
    ) -> None:
        """Answer a dispute; Paystack asks for a file with every answer."""
        place = await self._client.get(
            f"/dispute/{dispute_id}/upload_url", upload_filename=_EVIDENCE_FILE
        )
        await self._client.upload(place["signedUrl"], statement.encode())
        body: dict[str, Any] = {
            "resolution": resolution,
            "message": statement,
            "refund_amount": refund_amount,
            "uploaded_filename": place["fileName"],
        }
        if evidence is not None:
            body["evidence"] = evidence
        await self._client.send("PUT", f"/dispute/{dispute_id}/resolve", body)
