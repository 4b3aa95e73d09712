"""Payments at Paystack, over its HTTP API.

Paystack authorizes nothing: a payment takes the money at once. What the platform calls an
authorization is such a payment, its capture is a fact of our books, and what is let go is a refund.
The reference of a transaction follows from our key, and Paystack refuses one that it knows; a
refund has no key there, so ours is kept in its note and looked up before another one is sent, by
one sender at a time.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Self

from core.domain.errors import (
    AuthorizationLapsedError,
    InvalidSignatureError,
    ProviderError,
    ProviderRejectedError,
)
from core.domain.payments import ProviderPayment, ProviderRefund
from core.domain.provider_books import Capabilities, ListedEvent, Page
from core.domain.statuses import PaymentStatus
from core.gateways.payments import Authorization, Authorized, Challenge, ProviderEvent
from core.gateways.paystack_books import PaystackBooks
from core.gateways.paystack_http import PaystackClient, PaystackRefusalError
from core.gateways.paystack_mapping import (
    Note,
    declined,
    event_of,
    from_wire,
    is_paid,
    is_release,
    metadata_of,
    note_of,
    payment_of,
    reference_of,
    refund_of,
    release_note,
    to_wire,
)
from core.gateways.paystack_transfers import PaystackTransfers
from core.settings import PaystackSettings

HOSTED_PAGE = "checkout"
"""The payment method with which the customer chooses on Paystack's own page."""

MAX_PAGES = 10
"""How often a page can be opened again whose address was lost with the answer."""

MAX_FAILED_RELEASES = 3
"""After so many refunds that failed a person has to look."""

OneAtATime = Callable[[str], AbstractAsyncContextManager[None]]
"""Lets nobody else into a block of the same name, in whatever process."""

_AUTHORIZATION = "AUTH_"
_SIGNATURE = "x-paystack-signature"


class PaystackGateway(PaystackBooks, PaystackTransfers):
    """See ``PaymentGateway`` for what each method promises."""

    name = "paystack"
    capabilities = Capabilities(
        manual_capture=False,
        multicapture=True,
        partial_capture=True,
        events_list=False,
        currencies=frozenset({"NGN", "GHS", "ZAR", "KES", "USD", "XOF"}),
        refund_days=None,
        needs_email=True,
        payout_accounts=True,
    )

    def __init__(
        self, client: PaystackClient, secrets: tuple[str, ...], one_at_a_time: OneAtATime
    ) -> None:
        self._client = client
        self._secrets = secrets
        self._one_at_a_time = one_at_a_time

    @classmethod
    def open(cls, settings: PaystackSettings, one_at_a_time: OneAtATime) -> Self:
        """Make a gateway with a connection pool of its own; ``close`` it at the end.

        Args:
            settings: address and keys.
            one_at_a_time: keeps two senders of one payment's refunds apart.
        """
        keys = (settings.secret_key, *settings.previous_secret_keys)
        secrets = tuple(key.get_secret_value() for key in keys)
        return cls(PaystackClient.open(settings), secrets, one_at_a_time)

    async def close(self) -> None:
        await self._client.close()

    async def authorize(self, request: Authorization) -> Authorized:
        if request.email is None:
            return Authorized(payment=declined(request, "email_missing"))
        hosted = request.payment_method == HOSTED_PAGE
        if not hosted and not request.payment_method.startswith(_AUTHORIZATION):
            return Authorized(payment=declined(request, "unsupported_payment_method"))
        for page in range(1, MAX_PAGES + 1):
            reference = reference_of(request.key, page)
            try:
                answer = await self._begin(request, reference, hosted=hosted)
            except PaystackRefusalError as refusal:
                if refusal.is_unusable_authorization:
                    return Authorized(payment=declined(request, "authorization_unusable"))
                if not refusal.is_duplicate:
                    raise
                known = await self._same(request, reference)
                if known.status is PaymentStatus.REQUIRES_ACTION:
                    # Its page's address went with the answer, so nobody can pay there.
                    continue
                return Authorized(payment=known)
            return _authorized(request, reference, answer)
        raise ProviderError("paystack: too many pages were lost")

    async def _begin(self, request: Authorization, reference: str, *, hosted: bool) -> Any:
        body: dict[str, Any] = {
            "email": request.email,
            "amount": to_wire(request.amount, request.currency),
            "currency": request.currency,
            "reference": reference,
            "metadata": {"order_id": request.order_id, "payment_id": request.payment_id},
        }
        if hosted:
            if request.return_url is not None:
                body["callback_url"] = request.return_url
            return await self._client.send("POST", "/transaction/initialize", body)
        body["authorization_code"] = request.payment_method
        return await self._client.send("POST", "/transaction/charge_authorization", body)

    async def _same(self, request: Authorization, reference: str) -> ProviderPayment:
        """The payment that was made before with the reference, if it is the one asked for."""
        known = await self.fetch(reference)
        facts = (known.order_id, known.amount, known.currency)
        if facts != (request.order_id, request.amount, request.currency):
            raise ProviderRejectedError("paystack: the reference belongs to another payment")
        return known

    async def confirm(self, provider_payment_id: str, *, key: str) -> Authorized:
        """Ask how it stands: whoever pays on the page needs nothing more of ours."""
        del key
        return Authorized(payment=await self.fetch(provider_payment_id))

    async def fetch(self, provider_payment_id: str) -> ProviderPayment:
        return payment_of(*await self._look_up(provider_payment_id))

    async def find(self, order_id: str, created_after: int) -> list[ProviderPayment]:
        since = datetime.fromtimestamp(created_after, UTC).isoformat()
        return [
            payment_of(transaction, await self._refunds_of(transaction))
            async for transaction in self._client.every("/transaction", **{"from": since})
            if metadata_of(transaction).get("order_id") == order_id
        ]

    async def capture(
        self, provider_payment_id: str, *, amount: int, final: bool, key: str, release: int = 0
    ) -> ProviderPayment:
        gives_back = final and release > 0
        async with self._turn(provider_payment_id) if gives_back else nullcontext():
            transaction, refunds = await self._look_up(provider_payment_id)
            payment = payment_of(transaction, refunds)
            note = release_note(key)
            released_now = any(note_of(one) == note and not _failed(one) for one in refunds)
            others = (one for one in refunds if _never_captured(one) and note_of(one) != note)
            held = payment.amount - _sum_of(others, payment.currency)
            if not is_paid(transaction) or amount > held:
                raise AuthorizationLapsedError(f"paystack: {max(held, 0)} of the payment are held")
            if gives_back and not released_now:
                await self._give_back(payment, release, note)
        return replace(
            payment,
            status=PaymentStatus.CAPTURED if final else PaymentStatus.PARTIALLY_CAPTURED,
            captured_amount=amount,
        )

    async def void(
        self, provider_payment_id: str, *, key: str, captured_amount: int = 0
    ) -> ProviderPayment:
        async with self._turn(provider_payment_id):
            transaction, refunds = await self._look_up(provider_payment_id)
            payment = payment_of(transaction, refunds)
            if not is_paid(transaction):
                # It cannot be withdrawn: should it be paid after all, the event gives it back.
                return replace(payment, status=PaymentStatus.VOIDED, decline_code=None)
            released = payment.amount - payment.authorized_amount
            to_release = min(
                payment.amount - captured_amount - released,
                payment.authorized_amount - payment.refunded_amount,
            )
            if to_release > 0:
                if sum(is_release(one) and _failed(one) for one in refunds) >= MAX_FAILED_RELEASES:
                    raise ProviderRejectedError("paystack: what is let go cannot be given back")
                await self._give_back(payment, to_release, release_note(f"{key}:{released}"))
                payment = replace(payment, authorized_amount=payment.authorized_amount - to_release)
        if captured_amount:
            return replace(payment, status=PaymentStatus.CAPTURED, captured_amount=captured_amount)
        left = payment.authorized_amount - payment.refunded_amount
        gone = PaymentStatus.REFUNDED if payment.refunded_amount else PaymentStatus.VOIDED
        return replace(payment, status=payment.status if left else gone)

    async def refund(
        self, provider_payment_id: str, *, amount: int, key: str, reference: str
    ) -> ProviderRefund:
        async with self._turn(provider_payment_id):
            transaction, refunds = await self._look_up(provider_payment_id)
            payment = payment_of(transaction)
            for one in refunds:
                note = note_of(one)
                if note is not None and note.key == key:
                    return refund_of(one, payment.currency)
            return await self._give_back(payment, amount, Note(reference=reference, key=key))

    def _turn(self, provider_payment_id: str) -> AbstractAsyncContextManager[None]:
        """Keep others who look a payment's refunds up, and send one, waiting."""
        return self._one_at_a_time(f"paystack:{provider_payment_id}")

    async def _give_back(self, payment: ProviderPayment, amount: int, note: Note) -> ProviderRefund:
        body = {
            "transaction": payment.provider_payment_id,
            "amount": to_wire(amount, payment.currency),
            "currency": payment.currency,
            "merchant_note": str(note),
        }
        answer = await self._client.send("POST", "/refund", body)
        return refund_of(answer, payment.currency)

    async def find_refunds(self, provider_payment_id: str) -> list[ProviderRefund]:
        transaction, refunds = await self._look_up(provider_payment_id)
        return [refund_of(one, transaction["currency"]) for one in refunds]

    async def list_payments(
        self, since: datetime, until: datetime, cursor: str | None = None
    ) -> Page[ProviderPayment]:
        number = int(cursor or 1)
        page = await self._client.page(
            "/transaction", number, **{"from": since.isoformat(), "to": until.isoformat()}
        )
        # A payment's refunds are younger than the payment: one walk finds those of all.
        given_back: dict[int, list[dict[str, Any]]] = {}
        if any(is_paid(transaction) for transaction in page.data):
            async for refund in self._client.every("/refund", **{"from": since.isoformat()}):
                given_back.setdefault(_transaction_id(refund), []).append(refund)
        return Page(
            items=[payment_of(one, given_back.get(one["id"], ())) for one in page.data],
            next_cursor=str(number + 1) if page.has_more else None,
        )

    async def list_events(self, since: datetime, cursor: str | None = None) -> Page[ListedEvent]:
        """Nothing: what was missed is found by listing payments, refunds and disputes."""
        del since, cursor
        return Page(items=())

    def parse_event(self, body: Mapping[str, Any]) -> ProviderEvent:
        return event_of(body)

    def verify_webhook(self, body: bytes, headers: Mapping[str, str]) -> ProviderEvent:
        lower = {name.lower(): value for name, value in headers.items()}
        signature = lower.get(_SIGNATURE, "").strip().lower().encode()
        if not any(_is_signed(body, signature, secret) for secret in self._secrets):
            raise InvalidSignatureError("paystack: no valid signature")
        return event_of(json.loads(body))

    async def _look_up(self, reference: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """A transaction and its refunds, the newest first."""
        transaction = await self._client.get(f"/transaction/verify/{reference}")
        return transaction, await self._refunds_of(transaction)

    async def _refunds_of(self, transaction: Mapping[str, Any]) -> list[dict[str, Any]]:
        if not is_paid(transaction):
            return []
        query = {"transaction": transaction["id"]}
        return [refund async for refund in self._client.every("/refund", **query)]


def _authorized(request: Authorization, reference: str, answer: Mapping[str, Any]) -> Authorized:
    page = answer.get("authorization_url")
    if page is None:
        payment = replace(
            payment_of(answer), order_id=request.order_id, payment_id=request.payment_id
        )
        return Authorized(payment=payment)
    return Authorized(
        payment=ProviderPayment(
            provider_payment_id=reference,
            status=PaymentStatus.REQUIRES_ACTION,
            currency=request.currency,
            amount=request.amount,
            order_id=request.order_id,
            payment_id=request.payment_id,
            taken_at_once=True,
        ),
        challenge=Challenge(type="redirect_to_url", redirect_url=page),
    )


def _failed(refund: Mapping[str, Any]) -> bool:
    return bool(refund["status"] == "failed")


def _never_captured(refund: Mapping[str, Any]) -> bool:
    """Whether a refund took away from what is held: let go by us, or made at Paystack."""
    return not _failed(refund) and (is_release(refund) or note_of(refund) is None)


def _sum_of(refunds: Any, currency: str) -> int:
    return sum(from_wire(one["amount"], currency) for one in refunds)


def _transaction_id(refund: Mapping[str, Any]) -> int:
    """The list has the id alone, an answer to a new refund the whole transaction."""
    transaction = refund["transaction"]
    return int(transaction["id"] if isinstance(transaction, Mapping) else transaction)


def _is_signed(body: bytes, signature: bytes, secret: str) -> bool:
    expected = hmac.new(secret.encode(), body, hashlib.sha512).hexdigest()
    return hmac.compare_digest(signature, expected.encode())
