"""Money to vendors at Paystack: recipients, and transfers to them one by one or many at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from core.domain.errors import ProviderError
from core.domain.provider_books import Page, ProviderTransfer
from core.gateways.payments import BankAccount, Transfer
from core.gateways.paystack_http import PaystackClient, PaystackRefusalError
from core.gateways.paystack_mapping import to_wire
from core.gateways.paystack_mapping_books import transfer_of

AT_ONCE = 100
"""So many transfers Paystack takes in one call."""


class PaystackTransfers:
    """The transfers of ``PaymentGateway``, and the accounts that they go to."""

    _client: PaystackClient

    async def create_payout_account(self, account: BankAccount) -> str:
        """Make a recipient; Paystack answers the one that it has for the same account."""
        body = {
            "type": account.type,
            "name": account.name,
            "account_number": account.account_number,
            "bank_code": account.bank_code,
            "currency": account.currency,
        }
        recipient = await self._client.send("POST", "/transferrecipient", body)
        return str(recipient["recipient_code"])

    async def transfer(self, request: Transfer) -> ProviderTransfer:
        body = {"source": "balance", "currency": request.currency, **_wanted(request)}
        try:
            answer = await self._client.send("POST", "/transfer", body)
        except PaystackRefusalError as refusal:
            if not refusal.is_duplicate:
                raise
            answer = await self._client.get(f"/transfer/verify/{request.reference}")
        return transfer_of(answer, destination=request.destination)

    async def transfer_all(self, requests: Sequence[Transfer]) -> list[ProviderTransfer]:
        """See ``PaymentGateway``; each is looked up first, as one duplicate refuses a whole call.

        Raises:
            ProviderError: somebody else sent one of them at the same time.
        """
        made = {one.reference: await self._look_up_transfer(one.reference) for one in requests}
        for currency in sorted({one.currency for one in requests}):
            missing = [
                one for one in requests if one.currency == currency and made[one.reference] is None
            ]
            for start in range(0, len(missing), AT_ONCE):
                made |= await self._send_together(missing[start : start + AT_ONCE], currency)
        return [found for one in requests if (found := made[one.reference]) is not None]

    async def _send_together(
        self, requests: Sequence[Transfer], currency: str
    ) -> dict[str, ProviderTransfer | None]:
        body = {
            "source": "balance",
            "currency": currency,
            "transfers": [_wanted(one) for one in requests],
        }
        try:
            answers: list[dict[str, Any]] = await self._client.send("POST", "/transfer/bulk", body)
        except PaystackRefusalError as refusal:
            if not refusal.is_duplicate:
                raise
            raise ProviderError("paystack: one of the transfers is under way already") from None
        by_reference = {str(one.get("reference")): one for one in answers}
        if by_reference.keys() != {one.reference for one in requests}:
            raise ProviderError("paystack: not every transfer was answered")
        return {
            one.reference: transfer_of(by_reference[one.reference], destination=one.destination)
            for one in requests
        }

    async def find_transfer(
        self, reference: str, created_after: datetime
    ) -> ProviderTransfer | None:
        del created_after  # references are unique for ever
        return await self._look_up_transfer(reference)

    async def _look_up_transfer(self, reference: str) -> ProviderTransfer | None:
        try:
            return transfer_of(await self._client.get(f"/transfer/verify/{reference}"))
        except PaystackRefusalError as refusal:
            if not refusal.is_missing:
                raise
            return None

    async def list_transfers(
        self, since: datetime, until: datetime, cursor: str | None = None
    ) -> Page[ProviderTransfer]:
        number = int(cursor or 1)
        page = await self._client.page(
            "/transfer", number, **{"from": since.isoformat(), "to": until.isoformat()}
        )
        return Page(
            items=[transfer_of(one) for one in page.data],
            next_cursor=str(number + 1) if page.has_more else None,
        )


def _wanted(request: Transfer) -> dict[str, Any]:
    return {
        "amount": to_wire(request.amount, request.currency),
        "recipient": request.destination,
        "reference": request.reference,
        "reason": request.reference,
    }
