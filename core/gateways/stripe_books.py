"""What Stripe has written down: movements of our balance, payments and events."""

from __future__ import annotations

from datetime import datetime

import stripe
from stripe.params import (
    BalanceTransactionListParams,
    EventListParams,
    PaymentIntentListParams,
)

from core.domain.payments import ProviderPayment
from core.domain.provider_books import ListedEvent, Page, ProviderMovement
from core.gateways import stripe_client
from core.gateways.stripe_client import begin, domain_errors, end, page_of
from core.gateways.stripe_events import SUBSCRIBED_EVENTS, listed_event_of
from core.gateways.stripe_mapping import payment_of
from core.gateways.stripe_mapping_books import movement_of


class StripeBooks:
    """The lists of ``PaymentGateway``, each the newest first."""

    _client: stripe.StripeClient

    async def list_movements(
        self, since: datetime, until: datetime, cursor: str | None = None
    ) -> Page[ProviderMovement]:
        """See ``PaymentGateway``; amounts are in the currency in which Stripe settles."""
        params: BalanceTransactionListParams = {
            "created": {"gte": begin(since), "lt": end(until)},
            "limit": stripe_client.PAGE_SIZE,
            "expand": ["data.source"],
        }
        if cursor is not None:
            params["starting_after"] = cursor
        with domain_errors():
            listed = await self._client.v1.balance_transactions.list_async(params)
        return page_of(listed, movement_of)

    async def list_payments(
        self, since: datetime, until: datetime, cursor: str | None = None
    ) -> Page[ProviderPayment]:
        """See ``PaymentGateway``."""
        params: PaymentIntentListParams = {
            "created": {"gte": begin(since), "lt": end(until)},
            "limit": stripe_client.PAGE_SIZE,
            "expand": ["data.latest_charge"],
        }
        if cursor is not None:
            params["starting_after"] = cursor
        with domain_errors():
            listed = await self._client.v1.payment_intents.list_async(params)
        return page_of(listed, payment_of)

    async def list_events(self, since: datetime, cursor: str | None = None) -> Page[ListedEvent]:
        """See ``PaymentGateway``; only what is subscribed to. Stripe keeps events for 30 days."""
        params: EventListParams = {
            "created": {"gte": begin(since)},
            "limit": stripe_client.PAGE_SIZE,
            "types": list(SUBSCRIBED_EVENTS),
        }
        if cursor is not None:
            params["starting_after"] = cursor
        with domain_errors():
            listed = await self._client.v1.events.list_async(params)
        return page_of(listed, listed_event_of)
