"""A vendor's books for tests: orders in a state, and what the ledger says is owed for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from sqlalchemy import text

from core.database import Database
from core.domain.ids import Prefix, new_id
from core.domain.ledger import Account, Leg, Posting, PostingKind, credit, debit
from core.domain.statuses import OrderStatus
from models import Vendor
from models.repositories import ledger

CURRENCY = "USD"
SOON = timedelta(minutes=1)
"""After all that a test has posted, by the clock of the database."""

_ORDER = text("""
INSERT INTO orders (id, number, customer_id, status, payment_status, fulfillment_status, currency,
    subtotal_amount, discount_amount, shipping_amount, tax_amount, total_amount, shipping_method,
    shipping_address, workflow_id)
VALUES (:id, nextval('order_numbers'), 'usr_1', :status, 'captured', 'delivered', 'USD',
    0, 0, 0, 0, 0, 'standard', '{}', '')
""")
_STATUS = text("UPDATE orders SET status = :status WHERE id = :id")
_RETURN = text("""
INSERT INTO returns (id, order_id, customer_id, status) VALUES (:id, :order_id, 'usr_1', :status)
ON CONFLICT (id) DO UPDATE SET status = excluded.status
""")
_PAYMENT = text("""
INSERT INTO payments (id, order_id, attempt, provider, payment_method, status, currency, amount,
    authorized_amount, captured_amount, refunded_amount)
VALUES (:id, :order_id, 1, 'stripe', 'pm_card_visa', 'captured', 'USD', 1, 1, 1, 0)
ON CONFLICT DO NOTHING
""")
_DISPUTE = text("""
INSERT INTO disputes (id, order_id, payment_id, provider, provider_dispute_id, status, reason,
    currency, amount, held, opened_at)
VALUES (:id, :order_id, :payment_id, 'stripe', :id, :status, 'fraudulent', 'USD', 1, '[]', now())
ON CONFLICT (id) DO UPDATE SET status = excluded.status
""")
_BALANCE = text("""
SELECT -coalesce(sum(amount), 0)::bigint AS owed FROM ledger_entries
WHERE account = 'vendor_payable' AND holder = :vendor_id AND currency = 'USD'
""")


@dataclass(kw_only=True)
class VendorBooks:
    """Postings in the shapes that the platform makes, for one vendor."""

    database: Database
    vendor_id: str = field(default_factory=lambda: new_id(Prefix.VENDOR))
    _numbers: count[int] = field(default_factory=lambda: count(1))

    async def open(
        self, *, account: str | None = "acct_vendor", provider: str = "stripe"
    ) -> VendorBooks:
        """Write the vendor's row; None of ``account`` is a vendor who cannot be paid."""
        async with self.database.transaction() as session:
            session.add(
                Vendor(
                    id=self.vendor_id,
                    name="Weaver & Sons",
                    slug=self.vendor_id,
                    payout_provider=provider if account else None,
                    payout_account=account,
                )
            )
        return self

    async def order(self, status: OrderStatus = OrderStatus.COMPLETED) -> str:
        order_id = new_id(Prefix.ORDER)
        await self.database.statement(_ORDER, {"id": order_id, "status": status})
        return order_id

    async def move_order(self, order_id: str, status: OrderStatus) -> None:
        await self.database.statement(_STATUS, {"id": order_id, "status": status})

    async def returned(self, order_id: str, status: str) -> None:
        """Set the state of the order's only return."""
        values = {"id": f"{order_id}:return", "order_id": order_id, "status": status}
        await self.database.statement(_RETURN, values)

    async def disputed(self, order_id: str, status: str) -> None:
        """Set the state of the order's only dispute."""
        payment_id = f"{order_id}:payment"
        values = {"id": payment_id, "order_id": order_id}
        await self.database.statement(_PAYMENT, values)
        values = {
            "id": f"{order_id}:dispute",
            "order_id": order_id,
            "payment_id": payment_id,
            "status": status,
        }
        await self.database.statement(_DISPUTE, values)

    async def sale(self, order_id: str | None, net: int, commission: int = 0) -> str:
        return await self._post(PostingKind.CAPTURE, order_id, net, commission)

    async def refund(self, order_id: str | None, net: int, commission: int = 0) -> str:
        return await self._post(PostingKind.REFUND, order_id, -net, -commission)

    async def adjustment(self, net: int) -> str:
        return await self._post(PostingKind.ADJUSTMENT, None, net)

    async def dispute_opened(self, order_id: str, amount: int) -> str:
        """Hold back what a dispute is about."""
        return await self._write(
            PostingKind.DISPUTE_OPENED,
            order_id,
            debit(Account.VENDOR_PAYABLE, amount, self.vendor_id),
            credit(Account.VENDOR_HELD, amount, self.vendor_id),
        )

    async def owed(self) -> int:
        """The balance of ``vendor_payable``, positive when we owe it."""
        rows = await self.database.statement(_BALANCE, {"vendor_id": self.vendor_id})
        return int(rows[0]["owed"])

    async def _post(
        self, kind: PostingKind, order_id: str | None, net: int, commission: int = 0
    ) -> str:
        # Customers owe for orders only.
        whence = (Account.CUSTOMER_RECEIVABLE, "") if order_id else (Account.SUSPENSE, "stripe")
        return await self._write(
            kind,
            order_id,
            debit(whence[0], net + commission, whence[1]),
            credit(Account.VENDOR_PAYABLE, net, self.vendor_id),
            credit(Account.COMMISSION, commission, self.vendor_id),
        )

    async def _write(self, kind: PostingKind, order_id: str | None, *legs: Leg) -> str:
        key = f"test:{self.vendor_id}:{next(self._numbers)}"
        posting = Posting(key=key, kind=kind, currency=CURRENCY, legs=legs, order_id=order_id)
        async with self.database.transaction() as session:
            await ledger.post(session, posting)
        return key


def soon() -> datetime:
    """A period's end that takes in all that was posted before."""
    return (datetime.now(UTC) + SOON).replace(microsecond=0)
