"""Payments at Stripe, by its official SDK.

One call of ours is one call of Stripe's: retries belong to Temporal, which knows the idempotency
key. Every answer is expanded by the latest charge, which alone knows refunds and the deadline of
an authorization.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self

import stripe
from stripe.params import PaymentIntentCaptureParams

from core.domain.errors import AuthorizationLapsedError, InvalidSignatureError, ProviderError
from core.domain.payments import ProviderPayment, ProviderRefund
from core.domain.provider_books import Capabilities
from core.domain.statuses import PaymentStatus
from core.gateways import stripe_client
from core.gateways.payments import Authorization, Authorized, ProviderEvent
from core.gateways.stripe_books import StripeBooks
from core.gateways.stripe_client import domain_errors
from core.gateways.stripe_disputes import StripeDisputes
from core.gateways.stripe_events import event_of
from core.gateways.stripe_mapping import (
    HOLDS_LESS,
    UNEXPECTED_STATE,
    challenge_of,
    declined_payment_of,
    payment_of,
    refund_of,
)
from core.gateways.stripe_transfers import StripeTransfers
from core.settings import StripeSettings

SIGNATURE_TOLERANCE_SECONDS = 300
MAX_INTENTS_SEARCHED = 10_000


class StripeGateway(StripeBooks, StripeDisputes, StripeTransfers):
    """See ``PaymentGateway`` for what each method promises."""

    name = "stripe"
    capabilities = Capabilities(
        manual_capture=True,
        multicapture=True,
        partial_capture=True,
        events_list=True,
        currencies=frozenset(),
        refund_days=None,
    )

    def __init__(
        self, client: stripe.StripeClient, http: stripe.HTTPXClient, secrets: tuple[str, ...]
    ) -> None:
        self._client = client
        self._intents = client.v1.payment_intents
        self._refunds = client.v1.refunds
        self._http = http
        self._secrets = secrets

    @classmethod
    def open(cls, settings: StripeSettings) -> Self:
        """Make a gateway with a connection pool of its own; ``close`` it at the end."""
        # The SDK would keep an id of this machine in the home directory and report timings.
        stripe.enable_telemetry = False
        http = stripe.HTTPXClient(timeout=settings.timeout_seconds)
        client = stripe.StripeClient(
            settings.api_key.get_secret_value(),
            base_addresses={"api": settings.api_base.rstrip("/")},
            http_client=http,
            max_network_retries=0,
            stripe_version=stripe_client.API_VERSION,
        )
        secrets = tuple(secret.get_secret_value() for secret in settings.webhook_secrets)
        return cls(client, http, secrets)

    async def close(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]  # so in the SDK

    async def authorize(self, request: Authorization) -> Authorized:
        with domain_errors():
            try:
                intent = await self._intents.create_async(
                    {
                        "amount": request.amount,
                        "currency": request.currency.lower(),
                        "payment_method": request.payment_method,
                        # Nothing that leaves the page, so Stripe needs no return address.
                        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                        "payment_method_options": {
                            "card": {"request_multicapture": "if_available"}
                        },
                        "capture_method": "manual",
                        "confirm": True,
                        "metadata": {
                            "order_id": request.order_id,
                            "payment_id": request.payment_id,
                        },
                        "expand": ["latest_charge"],
                    },
                    {"idempotency_key": request.key},
                )
            except stripe.CardError as error:
                return Authorized(payment=declined_payment_of(request, error))
            except stripe.InvalidRequestError as error:
                if error.param != "payment_method":
                    raise
                # The customer's choice is unusable, as a declined card is: not ours to repair.
                return Authorized(payment=declined_payment_of(request, error))
        answer = intent.to_dict()
        return Authorized(payment=payment_of(answer), challenge=challenge_of(answer))

    async def confirm(self, provider_payment_id: str, *, key: str) -> Authorized:
        with domain_errors():
            answer = await self._retrieve(provider_payment_id)
            if answer["status"] != "requires_confirmation":
                return Authorized(payment=payment_of(answer), challenge=challenge_of(answer))
            try:
                intent = await self._intents.confirm_async(
                    provider_payment_id, {"expand": ["latest_charge"]}, {"idempotency_key": key}
                )
            except stripe.CardError:
                answer = await self._retrieve(provider_payment_id)
            except stripe.InvalidRequestError as error:
                if error.code != UNEXPECTED_STATE:
                    raise
                answer = await self._retrieve(provider_payment_id)
            else:
                answer = intent.to_dict()
        return Authorized(payment=payment_of(answer), challenge=challenge_of(answer))

    async def fetch(self, provider_payment_id: str) -> ProviderPayment:
        with domain_errors():
            return payment_of(await self._retrieve(provider_payment_id))

    async def _retrieve(self, provider_payment_id: str) -> dict[str, Any]:
        intent = await self._intents.retrieve_async(
            provider_payment_id, {"expand": ["latest_charge"]}
        )
        return intent.to_dict()

    async def find(self, order_id: str, created_after: int) -> list[ProviderPayment]:
        # The list is consistent; Stripe's search lags behind by up to a minute and more.
        found: list[ProviderPayment] = []
        searched = 0
        with domain_errors():
            page = await self._intents.list_async(
                {
                    "created": {"gte": created_after},
                    "limit": stripe_client.PAGE_SIZE,
                    "expand": ["data.latest_charge"],
                }
            )
            async for intent in page.auto_paging_iter():
                searched += 1
                if searched > MAX_INTENTS_SEARCHED:
                    # A list cut short would read as "no payment was made".
                    raise ProviderError("stripe: too many payments to search")
                payment = payment_of(intent.to_dict())
                if payment.order_id == order_id:
                    found.append(payment)
        return found

    async def capture(
        self, provider_payment_id: str, *, amount: int, final: bool, key: str, release: int = 0
    ) -> ProviderPayment:
        del release  # Stripe holds the rest and knows itself how much it is
        params: PaymentIntentCaptureParams = {
            "amount_to_capture": amount,
            "expand": ["latest_charge"],
        }
        if not final:
            # Only sent when it matters: Stripe refuses it where multicapture is not available.
            params["final_capture"] = False
        with domain_errors():
            try:
                intent = await self._intents.capture_async(
                    provider_payment_id, params, {"idempotency_key": key}
                )
            except stripe.InvalidRequestError as error:
                if error.code in HOLDS_LESS:
                    raise AuthorizationLapsedError(f"stripe: {error.code}") from None
                if error.code != UNEXPECTED_STATE:
                    raise
                payment = await self.fetch(provider_payment_id)
                if (payment.status, payment.captured_amount) != (PaymentStatus.CAPTURED, amount):
                    words = f"stripe: the payment is {payment.status}"
                    raise AuthorizationLapsedError(words) from None
                return payment
        return payment_of(intent.to_dict())

    async def void(
        self, provider_payment_id: str, *, key: str, captured_amount: int = 0
    ) -> ProviderPayment:
        del captured_amount  # what Stripe has captured stays captured
        with domain_errors():
            try:
                intent = await self._intents.cancel_async(
                    provider_payment_id, {"expand": ["latest_charge"]}, {"idempotency_key": key}
                )
            except stripe.InvalidRequestError as error:
                if error.code != UNEXPECTED_STATE:
                    raise
                return await self.fetch(provider_payment_id)
        return payment_of(intent.to_dict())

    async def refund(
        self, provider_payment_id: str, *, amount: int, key: str, reference: str
    ) -> ProviderRefund:
        with domain_errors():
            refund = await self._refunds.create_async(
                {
                    "payment_intent": provider_payment_id,
                    "amount": amount,
                    "metadata": {"refund_id": reference},
                },
                {"idempotency_key": key},
            )
        return refund_of(refund.to_dict())

    async def find_refunds(self, provider_payment_id: str) -> list[ProviderRefund]:
        with domain_errors():
            page = await self._refunds.list_async(
                {"payment_intent": provider_payment_id, "limit": stripe_client.PAGE_SIZE}
            )
            return [refund_of(refund.to_dict()) async for refund in page.auto_paging_iter()]

    def parse_event(self, body: Mapping[str, Any]) -> ProviderEvent:
        return event_of(body)

    def verify_webhook(self, body: bytes, headers: Mapping[str, str]) -> ProviderEvent:
        lower = {name.lower(): value for name, value in headers.items()}
        signature = lower.get("stripe-signature", "")
        if not any(_is_signed(body, signature, secret) for secret in self._secrets):
            raise InvalidSignatureError("stripe: no valid signature, or it is too old")
        return event_of(json.loads(body))


def _is_signed(body: bytes, signature: str, secret: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(body, signature, secret, SIGNATURE_TOLERANCE_SECONDS)
    except (stripe.SignatureVerificationError, UnicodeDecodeError, TypeError):
        # TypeError: a signature that is not ASCII.
        return False
    return True
