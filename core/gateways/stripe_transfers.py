"""Money to vendors: Connect transfers, whose group and metadata name our settlement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import stripe
from stripe.params import TransferListParams

from core.domain.errors import ProviderRejectedError
from core.domain.provider_books import Page, ProviderTransfer
from core.gateways import stripe_client
from core.gateways.payments import BankAccount, Transfer
from core.gateways.stripe_client import begin, domain_errors, end, page_of
from core.gateways.stripe_mapping_books import transfer_of


class StripeTransfers:
    """The transfers of ``PaymentGateway``."""

    _client: stripe.StripeClient

    async def transfer(self, request: Transfer) -> ProviderTransfer:
        """Move money to a connected account; it is there when Stripe answers.

        The key holds for 24 hours: after that, ``find_transfer`` is asked first.

        Raises:
            ProviderRejectedError: no such account, one that may not be paid, or too little money.
        """
        with domain_errors():
            transfer = await self._client.v1.transfers.create_async(
                {
                    "amount": request.amount,
                    "currency": request.currency.lower(),
                    "destination": request.destination,
                    "metadata": {"reference": request.reference},
                    "transfer_group": request.reference,
                },
                {"idempotency_key": request.key},
            )
        return transfer_of(transfer.to_dict())

    async def transfer_all(self, requests: Sequence[Transfer]) -> list[ProviderTransfer]:
        """See ``PaymentGateway``; one by one, as Stripe takes them."""
        return [await self.transfer(request) for request in requests]

    async def create_payout_account(self, account: BankAccount) -> str:
        """Refuse: vendors open their connected accounts with Stripe themselves."""
        del account
        raise ProviderRejectedError("stripe: connected accounts are not made from bank accounts")

    async def find_transfer(
        self, reference: str, created_after: datetime
    ) -> ProviderTransfer | None:
        """See ``PaymentGateway``; the newest when there are several."""
        with domain_errors():
            listed = await self._client.v1.transfers.list_async(
                {
                    "created": {"gte": begin(created_after)},
                    "limit": 1,
                    "transfer_group": reference,
                }
            )
        found = page_of(listed, transfer_of).items
        return found[0] if found else None

    async def list_transfers(
        self, since: datetime, until: datetime, cursor: str | None = None
    ) -> Page[ProviderTransfer]:
        """See ``PaymentGateway``; the newest first."""
        params: TransferListParams = {
            "created": {"gte": begin(since), "lt": end(until)},
            "limit": stripe_client.PAGE_SIZE,
        }
        if cursor is not None:
            params["starting_after"] = cursor
        with domain_errors():
            listed = await self._client.v1.transfers.list_async(params)
        return page_of(listed, transfer_of)
