"""Rules of the checkout and of the stock around it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule

from core.domain.events import Actor
from core.domain.ids import Prefix, new_id
from core.domain.statuses import HoldStatus, OrderStatus, PaymentStatus
from models.repositories import stock_moves
from models.repositories.stock_moves import Movement
from tests.integration.lives.life import STAFF, Life, Row, some_order
from tests.promotions import promote
from workflows.ports.checkout import (
    AwaitChallenge,
    CloseOrder,
    ConfirmOrder,
    OpenOrder,
    PaymentTerms,
)
from workflows.ports.payments import AuthorizePayment, PaymentRef
from workflows.ports.stock import EndHold, PlaceHold, WantedItem

GOOD, DECLINED, CHALLENGED = (
    "pm_card_visa",
    "pm_card_chargeDeclined",
    "pm_card_authenticationRequired",
)
UNFINISHED = {OrderStatus.PENDING, OrderStatus.REQUIRES_ACTION}


class CheckoutRules(Life):
    @rule(
        shelf=st.integers(0, 2),
        units=st.integers(1, 4),
        others=st.sets(st.integers(0, 2), max_size=2),
        card=st.sampled_from((GOOD, GOOD, GOOD, GOOD, DECLINED, CHALLENGED)),
        cheaper=st.sampled_from((0, 0, 300)),
    )
    def place(self, shelf: int, units: int, others: set[int], card: str, cheaper: int) -> None:
        shop = self.world.shop
        promotions = []
        if cheaper:
            promotions.append(self.world.run(promote(shop.database, cheaper, usage_limit=1)))
        order_id = self.world.run(
            shop.draft(
                self.shelves[shelf],
                units,
                payment_method=card,
                more=[self.shelves[other] for other in sorted(others - {shelf})],
                promotions=promotions,
            )
        )
        if self.take("open_order", OpenOrder(order_id=order_id)) is not None:
            self.orders.append(order_id)

    @some_order
    @rule(data=st.data())
    def pay_and_confirm(self, data: st.DataObject) -> None:
        order_id = self.an_order(data)
        if self.order(order_id)["status"] in UNFINISHED:
            self.pay(order_id)

    @rule(shelf=st.integers(0, 2), units=st.integers(1, 4))
    def place_pay_and_confirm(self, shelf: int, units: int) -> None:
        """Most orders: a machine that seldom confirms one has little to do."""
        order_id = self.world.run(self.world.shop.draft(self.shelves[shelf], units))
        if self.take("open_order", OpenOrder(order_id=order_id)) is not None:
            self.orders.append(order_id)
            self.pay(order_id)

    def pay(self, order_id: str) -> None:
        payment = self._payment(order_id)
        if payment["status"] not in {"pending", "requires_action"}:
            return
        terms = PaymentTerms(
            **{
                name: payment[name] for name in ("provider", "payment_method", "amount", "currency")
            },
            payment_id=payment["id"],
        )
        told = self.take("authorize_payment", AuthorizePayment(order_id=order_id, terms=terms))
        if told.status is PaymentStatus.AUTHORIZED:
            self.take("confirm_order", ConfirmOrder(order_id=order_id, payment=told))
        elif told.status is PaymentStatus.REQUIRES_ACTION:
            deadline = datetime.now(UTC) + timedelta(hours=1)
            self.take("await_challenge", AwaitChallenge(order_id=order_id, deadline=deadline))
        elif told.status is PaymentStatus.FAILED:
            self._close(order_id, OrderStatus.FAILED, "payment-declined")

    @some_order
    @rule(data=st.data(), outcome=st.sampled_from(("succeeded", "failed")))
    def answer_the_bank(self, data: st.DataObject, outcome: str) -> None:
        order_id = self.an_order(data)
        if self.order(order_id)["status"] != OrderStatus.REQUIRES_ACTION:
            return
        payment = self._payment(order_id)
        self.world.run(self.world.outside.answer_challenge(payment["provider_payment_id"], outcome))
        told = self.take("fetch_payment", self._ref(order_id))
        if told.status is PaymentStatus.AUTHORIZED:
            self.take("confirm_order", ConfirmOrder(order_id=order_id, payment=told))
        else:
            self.take("void_payment", self._ref(order_id))
            self._close(order_id, OrderStatus.FAILED, "challenge-expired")

    @some_order
    @rule(data=st.data())
    def cancel_the_checkout(self, data: st.DataObject) -> None:
        order_id = self.an_order(data)
        if self.order(order_id)["status"] in UNFINISHED:
            self.take("void_payment", self._ref(order_id))
            self._close(order_id, OrderStatus.CANCELED, "canceled")

    @rule(shelf=st.integers(0, 2), units=st.integers(1, 4), end=st.booleans())
    def hold_and_let_go(self, shelf: int, units: int, *, end: bool) -> None:
        hold_id = new_id(Prefix.HOLD)
        wanted = [WantedItem(sku=self.shelves[shelf].sku, quantity=units)]
        placed = self.take(
            "place_hold",
            PlaceHold(
                hold_id=hold_id,
                owner_id=self.world.shop.customer_id,
                items=wanted,
                expires_at=datetime.now(UTC) + timedelta(hours=1),
            ),
        )
        if placed.status is HoldStatus.ACTIVE and end:
            status = HoldStatus.EXPIRED if units > 2 else HoldStatus.RELEASED
            self.take("end_hold", EndHold(hold_id=hold_id, status=status))

    @rule(shelf=st.integers(0, 4), units=st.integers(1, 5))
    def stock_arrives(self, shelf: int, units: int) -> None:
        place = self.shelves[shelf]
        movement = Movement(
            warehouse_id=place.warehouse_id,
            sku=place.sku,
            delta=units,
            reason="delivery",
            reference=new_id(Prefix.EVENT),
        )

        async def receive() -> None:
            async with self.world.shop.database.transaction() as session:
                await stock_moves.receive(session, [movement], actor=STAFF)

        self.world.run(receive())

    def _close(self, order_id: str, status: OrderStatus, code: str) -> None:
        self.take(
            "close_order",
            CloseOrder(order_id=order_id, status=status, code=code, reason="", actor=Actor.SYSTEM),
        )

    def _payment(self, order_id: str) -> Row:
        return self.world.rows(
            "SELECT * FROM payments WHERE order_id = :id AND attempt = 1", id=order_id
        )[0]

    def _ref(self, order_id: str) -> PaymentRef:
        payment = self._payment(order_id)
        return PaymentRef(order_id=order_id, payment_id=payment["id"], provider=payment["provider"])
