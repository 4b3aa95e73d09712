"""Rules of changes: cancellations, edits, holds, refunds, returns, and how orders end."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st
from hypothesis.stateful import rule
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.ids import Prefix, new_id
from core.domain.statuses import EditStatus, OrderStatus, PaymentStatus, ReturnStatus
from models.repositories import orders, refunds, returns
from models.repositories.returns import WantedReturn
from tests.integration.lives.life import STAFF, Row, some_order
from tests.integration.lives.parcel_rules import SHORT_LIFE, ParcelRules
from workflows.messages import ItemQuantity
from workflows.ports.fulfillment import CancelOrder, OrderRef
from workflows.ports.order_changes import (
    ApplyEdit,
    DecideReview,
    EditOrder,
    RefuseEdit,
    RequestCancellation,
)
from workflows.ports.payments import AuthorizeMore, ReleaseAuthorizations
from workflows.ports.refunds import RefundRef, SendRefundPart
from workflows.ports.returns import (
    DropExchange,
    MoveReturn,
    OpenReturn,
    ReceivedItem,
    ReceiveReturn,
    ReturnRef,
)
from workflows.ports.stock import WantedItem

CHANGEABLE = {OrderStatus.CONFIRMED, OrderStatus.PROCESSING}
WINDOW = 14 * 86_400


class ChangeRules(ParcelRules):
    @some_order
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        order_id = self.an_order(data)
        if self.order(order_id)["status"] in CHANGEABLE:
            self._cancel(order_id, [])

    @some_order
    @rule(data=st.data())
    def cancel_some_units(self, data: st.DataObject) -> None:
        order_id = self.an_order(data)
        items = [item for item in self.items(order_id) if item["quantity"]]
        if not items or self.order(order_id)["status"] not in CHANGEABLE:
            return
        item = data.draw(st.sampled_from(items), label="item")
        units = data.draw(st.integers(1, item["quantity"]), label="units")
        self._cancel(order_id, [ItemQuantity(item_id=item["id"], quantity=units)])

    def _cancel(self, order_id: str, items: list[ItemQuantity]) -> None:
        changed = self.take(
            "request_cancellation",
            RequestCancellation(
                order_id=order_id,
                change_id=new_id(Prefix.EDIT),
                actor=STAFF,
                reason="so be it",
                items=items,
            ),
        )
        if changed is not None and changed.refund_id is not None:
            self._refund(order_id, changed.refund_id)

    @some_order
    @rule(data=st.data())
    def finish_what_is_being_canceled(self, data: st.DataObject) -> None:
        order_id = self.an_order(data)
        order = self.order(order_id)
        if order["status"] in CHANGEABLE and order["cancel_requested_at"] is not None:
            self.take("release_authorizations", ReleaseAuthorizations(order_id=order_id))
            self.take("cancel_order", CancelOrder(order_id=order_id, reason="", actor=STAFF))

    @some_order
    @rule(data=st.data(), shelf=st.integers(0, 2), units=st.integers(0, 5), halfway=st.booleans())
    def edit(self, data: st.DataObject, shelf: int, units: int, *, halfway: bool) -> None:
        order_id, edit_id = self.an_order(data), new_id(Prefix.EDIT)
        if self.order(order_id)["status"] not in CHANGEABLE:
            return
        ref = {"order_id": order_id, "edit_id": edit_id}
        wanted = [WantedItem(sku=self.shelves[shelf].sku, quantity=units)]
        prepared = self.take(
            "prepare_edit", EditOrder(**ref, actor=STAFF, reason="asked for", changes=wanted)
        )
        if prepared is None or prepared.status is not EditStatus.PENDING:
            return
        payment_id = None
        if prepared.missing_amount and not halfway:
            paid = self.take(
                "authorize_more",
                AuthorizeMore(
                    order_id=order_id,
                    purpose="edit",
                    reference=edit_id,
                    amount=prepared.missing_amount,
                ),
            )
            if paid.status is PaymentStatus.AUTHORIZED:
                payment_id = paid.payment_id
        if prepared.missing_amount and payment_id is None:
            self.take("refuse_edit", RefuseEdit(**ref, why="nobody paid"))
            return
        changed = self.take("apply_edit", ApplyEdit(**ref, payment_id=payment_id))
        if changed is None:
            self.take("refuse_edit", RefuseEdit(**ref, why="too late"))
        elif changed.refund_id is not None:
            self._refund(order_id, changed.refund_id)

    @some_order
    @rule(data=st.data(), step=st.sampled_from(("hold_order", "release_order")))
    def look_at_it(self, data: st.DataObject, step: str) -> None:
        order_id = self.an_order(data)
        self.take(step, DecideReview(order_id=order_id, actor=STAFF, reason="a feeling"))

    @some_order
    @rule(data=st.data())
    def come_to_an_end(self, data: st.DataObject) -> None:
        """What the fulfilment does when every parcel has ended."""
        order_id = self.an_order(data)
        for _ in range(2 * SHORT_LIFE):
            self.go_on(order_id)
        ended = {"delivered", "returned", "canceled"}
        parcels = [one for one in self.parcels(order_id) if one["purpose"] == "order"]
        if not parcels or any(one["status"] not in ended for one in parcels):
            return
        self.take("settle_fulfillment", OrderRef(order_id=order_id))
        self.take("release_authorizations", ReleaseAuthorizations(order_id=order_id))
        if self.order(order_id)["status"] == OrderStatus.DELIVERED and data.draw(st.booleans()):
            self.take("complete_order", OrderRef(order_id=order_id))

    @some_order
    @rule(data=st.data(), amount=st.integers(1, 9000))
    def give_money_back(self, data: st.DataObject, amount: int) -> None:
        order_id, refund_id = self.an_order(data), new_id(Prefix.REFUND)
        for _ in range(SHORT_LIFE):
            self.go_on(order_id)

        async def request(session: AsyncSession) -> None:
            await refunds.request(
                session,
                await orders.lock(session, order_id),
                refund_id=refund_id,
                amount=amount,
                reason="a gesture",
                actor=STAFF,
            )

        refusal = self.world.refused(request)
        self.note(f"refund: {refusal.code if refusal else 'requested'}")
        if refusal is None and data.draw(st.booleans(), label="at once"):
            self._refund(order_id, refund_id)

    @some_order
    @rule(data=st.data())
    def send_what_is_to_be_given_back(self, data: st.DataObject) -> None:
        order_id = self.an_order(data)
        self.send_refunds(order_id)

    def _refund(self, order_id: str, refund_id: str) -> None:
        plan = self.take("plan_refund", RefundRef(order_id=order_id, refund_id=refund_id))
        for payment_id in plan.payment_ids:
            self.take(
                "send_refund_part",
                SendRefundPart(
                    order_id=order_id, refund_id=refund_id, payment_id=payment_id, tries=1
                ),
            )

    @some_order
    @rule(data=st.data(), exchange=st.sampled_from((None, None, 0, 2)))
    def ask_for_a_return(self, data: st.DataObject, exchange: int | None) -> None:
        order_id = self.an_order(data)
        for _ in range(SHORT_LIFE):
            self.go_on(order_id)
        items = [item for item in self.items(order_id) if item["quantity"]]
        if items:
            self._request_return(data, order_id, items, exchange)

    def _request_return(
        self, data: st.DataObject, order_id: str, items: list[Row], exchange: int | None
    ) -> None:
        return_id = new_id(Prefix.RETURN)
        item = data.draw(st.sampled_from(items), label="item")
        wanted = WantedReturn(
            item_id=item["id"],
            quantity=data.draw(st.integers(1, item["quantity"]), label="units"),
            reason="damaged",
            exchange_sku=None if exchange is None else self.shelves[exchange].sku,
        )

        async def request(session: AsyncSession) -> None:
            order = await orders.lock(session, order_id)
            await returns.request(
                session,
                order,
                return_id=return_id,
                wanted=[wanted],
                actor=STAFF,
                window_seconds=WINDOW,
            )

        refusal = self.world.refused(request)
        self.note(f"return: {refusal.code if refusal else 'requested'}")
        if refusal is None:
            self.take(
                "open_return",
                OpenReturn(order_id=order_id, return_id=return_id, at=datetime.now(UTC)),
            )
            if data.draw(st.booleans(), label="approved at once"):
                self._move_return(order_id, return_id, ReturnStatus.APPROVED)

    @some_order
    @rule(
        data=st.data(),
        status=st.sampled_from(
            (
                ReturnStatus.APPROVED,
                ReturnStatus.APPROVED,
                ReturnStatus.IN_TRANSIT,
                ReturnStatus.REJECTED,
                ReturnStatus.EXPIRED,
            )
        ),
    )
    def move_a_return(self, data: st.DataObject, status: ReturnStatus) -> None:
        row = self._a_return(data)
        if row is not None:
            self._move_return(row["order_id"], row["id"], status)

    def _move_return(self, order_id: str, return_id: str, status: ReturnStatus) -> None:
        self.take(
            "move_return",
            MoveReturn(order_id=order_id, return_id=return_id, status=status, actor=STAFF),
        )

    @some_order
    @rule(data=st.data(), drop=st.booleans())
    def receive_a_return(self, data: st.DataObject, *, drop: bool) -> None:
        row = self._a_return(data, {"approved", "in_transit"})
        if row is None:
            return
        wanted = self.world.rows(
            "SELECT item_id, quantity FROM return_items WHERE return_id = :id", id=row["id"]
        )
        came = []
        for item in wanted:
            sellable = data.draw(st.integers(0, item["quantity"]), label="sellable")
            damaged = data.draw(st.integers(0, item["quantity"] - sellable), label="damaged")
            came.append(ReceivedItem(item_id=item["item_id"], sellable=sellable, damaged=damaged))
        ref = {"order_id": row["order_id"], "return_id": row["id"]}
        state = self.take("receive_return", ReceiveReturn(**ref, items=came, actor=STAFF))
        if state is not None and state.shipments and drop:
            self.take("drop_exchange", DropExchange(**ref, reason="changed their mind"))

    @some_order
    @rule(data=st.data())
    def settle_a_return(self, data: st.DataObject) -> None:
        row = self._a_return(data, {"inspected"})
        if row is None:
            return
        ref = {"order_id": row["order_id"], "return_id": row["id"]}
        if self._unpaid_exchange(row["id"]):
            self.take("drop_exchange", DropExchange(**ref, reason="nobody paid the difference"))
        self.send_refunds(row["order_id"])
        self.take("close_return", ReturnRef(**ref))

    def send_refunds(self, order_id: str) -> None:
        for row in self.world.rows(
            "SELECT id FROM refunds WHERE order_id = :id AND status = 'pending'", id=order_id
        ):
            self._refund(order_id, row["id"])

    def _unpaid_exchange(self, return_id: str) -> bool:
        return bool(
            self.world.rows(
                "SELECT id FROM shipments WHERE replaces_id = :id AND purpose = 'exchange'"
                " AND capture_amount > 0 AND status = 'planned'",
                id=return_id,
            )
        )

    def _a_return(self, data: st.DataObject, statuses: set[str] | None = None) -> Row | None:
        found = [
            row
            for row in self.world.rows("SELECT * FROM returns ORDER BY id")
            if statuses is None or row["status"] in statuses
        ]
        return data.draw(st.sampled_from(found), label="return") if found else None
