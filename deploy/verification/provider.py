"""Do the payments here and the charges at the provider tell the same story?

Pure: the caller fetches both sides. Every row that differs is broken, unless it is younger than
the grace of ``core.domain.reconciliation_grace`` and its order is being worked on; then in flight.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self

from core.domain.reconciliation_grace import AT_CAPTURE, ENDED, PAID, is_at_work, was_undone
from core.domain.statuses import OrderStatus, PaymentStatus
from core.gateways.paystack_mapping import from_wire
from deploy.verification.report import Check, Row

SUCCESSES = frozenset({"requires_capture", "succeeded"})


_PAYSTACK_STATES = {"success": "succeeded", "reversed": "succeeded"}


@dataclass(frozen=True, kw_only=True)
class Charge:
    """One attempt to charge, as the provider's ledger has it; amounts in minor units."""

    id: str
    order_id: str | None
    amount: int
    currency: str
    status: str
    captured: int
    refunded: int
    idempotency_key: str | None
    created: datetime

    @classmethod
    def of(cls, row: Mapping[str, Any], service: str = "stripe") -> Self:
        """Read a row of ``GET /_control/ledger``; states are told in Stripe's words."""
        currency = row["currency"].upper()
        amounts = {name: row[name] for name in ("amount", "captured", "refunded")}
        if service == "paystack":
            amounts = {name: from_wire(value, currency) for name, value in amounts.items()}
        return cls(
            id=row["id"],
            order_id=row["order_id"],
            currency=currency,
            status=_PAYSTACK_STATES.get(row["status"], row["status"]),
            **amounts,
            idempotency_key=row["idempotency_key"],
            created=datetime.fromtimestamp(row["created"], tz=UTC),
        )

    @property
    def is_success(self) -> bool:
        return self.status in SUCCESSES

    @property
    def is_live(self) -> bool:
        """The customer's money is blocked, or taken and not given back."""
        return self.status == "requires_capture" or (
            self.status == "succeeded" and self.captured > self.refunded
        )


@dataclass(frozen=True, kw_only=True)
class Payment:
    """A payment of ours with what matters of its order; amounts in minor units."""

    order_id: str
    order_status: OrderStatus
    under_way: bool
    """The order waits for something, or somebody asked to cancel it."""
    updated_at: datetime
    payment_id: str | None
    provider_payment_id: str | None
    status: PaymentStatus | None
    amount: int
    currency: str
    captured: int
    refunded: int
    refunding: int = 0
    """What is asked to be refunded and not confirmed by the provider yet."""

    @property
    def may_hold_money(self) -> bool:
        """Whether there can be a live charge for it."""
        return self.status not in {None, PaymentStatus.VOIDED, PaymentStatus.FAILED}


class Comparison:
    """Both ledgers side by side at one moment."""

    def __init__(
        self, charges: Sequence[Charge], payments: Sequence[Payment], *, now: datetime
    ) -> None:
        self._charges = charges
        self._payments = payments
        self._now = now
        self._by_order = {payment.order_id: payment for payment in payments}
        self._by_provider_id = {
            payment.provider_payment_id: payment
            for payment in payments
            if payment.provider_payment_id
        }
        self._successes = {charge.id: charge for charge in charges if charge.is_success}

    def checks(self) -> list[Check]:
        return [
            self._charge_has_order(),
            self._payment_has_charge(),
            self._one_live_charge(),
            self._one_key_one_charge(),
            self._ended_order_has_no_live_charge(),
            self._amounts_agree(
                "provider_amount",
                "amount and currency are those of the provider",
                lambda payment, charge: (
                    (payment.amount, payment.currency) == (charge.amount, charge.currency)
                ),
            ),
            self._amounts_agree(
                "provider_captured",
                "the provider captured what is recorded here",
                lambda payment, charge: (
                    payment.captured == charge.captured
                    or was_undone(payment.order_status, live=charge.is_live)
                ),
            ),
            self._amounts_agree(
                "provider_refunded",
                "the provider refunded what is recorded here",
                lambda payment, charge: (
                    0 <= charge.refunded - payment.refunded <= payment.refunding
                    or was_undone(payment.order_status, live=charge.is_live)
                ),
            ),
        ]

    def _charge_has_order(self) -> Check:
        strays = [
            charge
            for charge in self._successes.values()
            if charge.id not in self._by_provider_id and charge.is_live
        ]
        return self._sorted_out(
            "provider_success_has_order",
            "every success at the provider is the payment of exactly one order",
            ((_row(charge, self._order_of(charge)), self._order_of(charge)) for charge in strays),
        )

    def _payment_has_charge(self) -> Check:
        known = {charge.id: charge for charge in self._charges}
        missing = [
            (payment, known.get(payment.provider_payment_id or ""))
            for payment in self._payments
            if payment.status in PAID and payment.provider_payment_id not in self._successes
        ]
        # A cancellation lets the money go first and says so here a moment later.
        canceling, absent = (
            self._sorted_out(
                "payment_has_provider_success",
                "every authorized payment is a success at the provider",
                (
                    (_row(charge, payment), payment)
                    for payment, charge in missing
                    if (charge is not None and charge.status == "canceled") is canceled
                ),
                also_under_way=also,
            )
            for canceled, also in ((True, AT_CAPTURE), (False, frozenset()))
        )
        return replace(
            absent,
            broken=[*canceling.broken, *absent.broken],
            in_flight=[*canceling.in_flight, *absent.in_flight],
        )

    def _one_live_charge(self) -> Check:
        payments = Counter(one.order_id for one in self._payments if one.may_hold_money)
        live: defaultdict[str, list[Charge]] = defaultdict(list)
        for charge in self._successes.values():
            if charge.is_live:
                live[charge.order_id or ""].append(charge)
        return Check(
            name="one_live_charge_per_order",
            promise="no order has more live charges than payments",
            broken=[
                _row(charge, self._order_of(charge))
                for order_id, charges in live.items()
                if len(charges) > max(payments[order_id], 1)
                for charge in charges
            ],
        )

    def _one_key_one_charge(self) -> Check:
        ids: defaultdict[str, set[str]] = defaultdict(set)
        for charge in self._charges:
            if charge.idempotency_key:
                ids[charge.idempotency_key].add(charge.id)
        return Check(
            name="one_key_one_charge",
            promise="one idempotency key makes one payment at the provider",
            broken=[
                {"idempotency_key": key, "charges": sorted(found)}
                for key, found in ids.items()
                if len(found) > 1
            ],
        )

    def _ended_order_has_no_live_charge(self) -> Check:
        return Check(
            name="ended_order_has_no_live_charge",
            promise="a failed or canceled order holds no money of its customer",
            broken=[
                _row(charge, order)
                for charge in self._successes.values()
                if charge.is_live
                and (order := self._order_of(charge)) is not None
                and order.order_status in ENDED
            ],
        )

    def _amounts_agree(
        self, name: str, promise: str, agree: Callable[[Payment, Charge], bool]
    ) -> Check:
        pairs = (
            (payment, charge)
            for id_, charge in self._successes.items()
            if (payment := self._by_provider_id.get(id_)) is not None
        )
        return self._sorted_out(
            name,
            promise,
            (
                (_row(charge, payment), payment)
                for payment, charge in pairs
                if not agree(payment, charge)
            ),
            also_under_way=AT_CAPTURE,
        )

    def _sorted_out(
        self,
        name: str,
        promise: str,
        differing: Iterable[tuple[Row, Payment | None]],
        also_under_way: frozenset[OrderStatus] = frozenset(),
    ) -> Check:
        broken: list[Row] = []
        in_flight: list[Row] = []
        for row, payment in differing:
            at_work = payment is not None and self._is_at_work(payment, also_under_way)
            (in_flight if at_work else broken).append(row)
        return Check(name=name, promise=promise, broken=broken, in_flight=in_flight)

    def _is_at_work(self, order: Payment, also: frozenset[OrderStatus]) -> bool:
        return is_at_work(
            order.order_status,
            under_way=order.under_way,
            quiet_for=self._now - order.updated_at,
            also=also,
        )

    def _order_of(self, charge: Charge) -> Payment | None:
        return self._by_order.get(charge.order_id or "")


def _row(charge: Charge | None, payment: Payment | None) -> Row:
    row: dict[str, Any] = {}
    if payment is not None:
        row |= {
            "order_id": payment.order_id,
            "order_status": payment.order_status,
            "payment_status": payment.status,
            "amount": payment.amount,
            "currency": payment.currency,
            "captured": payment.captured,
            "refunded": payment.refunded,
        }
    if charge is not None:
        row |= {
            "order_id": charge.order_id,
            "charge": charge.id,
            "charge_status": charge.status,
            "charge_amount": charge.amount,
            "charge_currency": charge.currency,
            "charge_captured": charge.captured,
            "charge_refunded": charge.refunded,
        }
    return row
