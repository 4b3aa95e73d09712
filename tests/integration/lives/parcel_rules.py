"""Rules of parcels: what a ``ShipmentWorkflow`` does, and what can happen to it at every step."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st
from hypothesis.stateful import rule

from core.domain.ids import Prefix, new_id
from core.domain.statuses import OrderStatus, PaymentStatus
from tests.integration.lives.checkout_rules import CheckoutRules
from tests.integration.lives.life import STAFF, Row, some_order
from workflows.ports.captures import PlanCapture
from workflows.ports.fulfillment import OrderRef
from workflows.ports.payments import AuthorizationRef, AuthorizeMore
from workflows.ports.shipments import (
    PackedItem,
    ReallocateShipment,
    RecordEvent,
    ShipmentRef,
    ShipmentStep,
    SplitShipment,
)

SHORT_LIFE = 9
"""Steps from the checkout to the door, when nothing comes between."""

UNDER_WAY = {"planned", "packed", "handed_over", "in_transit"}
ON_ITS_WAY = {"handed_over", "in_transit", "delivery_failed", "returning"}


class ParcelRules(CheckoutRules):
    def go_on(self, order_id: str) -> None:
        match self.order(order_id)["status"]:
            case "pending":
                self.pay(order_id)
            case "confirmed":
                self.take("plan_fulfillment", OrderRef(order_id=order_id))
            case "processing" | "shipped":
                under_way = [p for p in self.parcels(order_id) if p["status"] in UNDER_WAY]
                if under_way and not self._next_step(under_way[0]):
                    self._tell(under_way[0], "delivered")

    @some_order
    @rule(data=st.data())
    def plan(self, data: st.DataObject) -> None:
        order_id = self.an_order(data)
        if self.order(order_id)["status"] in {OrderStatus.CONFIRMED, OrderStatus.PROCESSING}:
            self.take("plan_fulfillment", OrderRef(order_id=order_id))

    @some_order
    @rule(data=st.data(), steps=st.integers(1, 6))
    def send_a_parcel(self, data: st.DataObject, steps: int) -> None:
        """Some steps of its way: the next one follows from what the database says."""
        parcel = self._a_parcel(data)
        for _ in range(steps):
            if parcel is None or not self._next_step(parcel):
                return
            parcel = self._look(parcel)

    def _next_step(self, parcel: Row) -> bool:
        ref = ShipmentRef(order_id=parcel["order_id"], shipment_id=parcel["id"])
        match parcel["status"]:
            case "planned":
                self.take("book_shipment", ref)
            case "packed" if parcel["dispatching_at"] is None:
                self.take("begin_dispatch", ref)
            case "packed":
                self._capture_and_hand_over(parcel, ref)
            case "canceled" if parcel["carrier_shipment_id"] is not None:
                self.take("cancel_booking", ref)
                return False
            case _:
                return False
        return True

    def _capture_and_hand_over(self, parcel: Row, ref: ShipmentRef) -> None:
        """What the capture's workflow does, one round of it at a time."""
        step = PlanCapture(
            order_id=ref.order_id,
            shipment_id=ref.shipment_id,
            number=parcel["number"],
            now=datetime.now(UTC),
        )
        plan = self.take("plan_capture", step)
        if plan.lapsed:
            for payment_id in plan.lapsed:
                lapsed = AuthorizationRef(order_id=ref.order_id, payment_id=payment_id, lapsed=True)
                self.take("void_authorization", lapsed)
        elif plan.missing:
            self.take(
                "authorize_more",
                AuthorizeMore(
                    order_id=ref.order_id,
                    purpose="renewal",
                    reference=plan.renewal,
                    amount=plan.missing,
                ),
            )
        else:
            outcomes = [self.take("capture_part", part) for part in plan.parts]
            if all(outcome.captured for outcome in outcomes):
                self.take("hand_over_shipment", ref)

    @some_order
    @rule(
        data=st.data(),
        news=st.sampled_from(
            ("in_transit", "delivered", "delivered", "delivered", "delivery_failed", "lost")
        ),
    )
    def carrier_has_news(self, data: st.DataObject, news: str) -> None:
        parcel = self._a_parcel(data, ON_ITS_WAY)
        if parcel is None or parcel["failure"] is not None:
            return
        self._tell(parcel, news)

    def _tell(self, parcel: Row, news: str) -> None:
        self.world.run(self.world.outside.tracked(parcel["carrier_shipment_id"], news))
        self.take(
            "track_shipment", ShipmentRef(order_id=parcel["order_id"], shipment_id=parcel["id"])
        )

    @some_order
    @rule(data=st.data(), sellable=st.booleans())
    def parcel_comes_back(self, data: st.DataObject, *, sellable: bool) -> None:
        parcel = self._a_parcel(data, ON_ITS_WAY)
        if parcel is None:
            return
        for status in ("returning", "returned"):
            self.take(
                "record_event",
                RecordEvent(
                    order_id=parcel["order_id"],
                    shipment_id=parcel["id"],
                    event_id=new_id(Prefix.EVENT),
                    status=status,
                    actor=STAFF,
                    occurred_at=datetime.now(UTC),
                    sellable=sellable if status == "returned" else None,
                ),
            )

    @some_order
    @rule(data=st.data(), way=st.sampled_from(("replace_shipment", "refund_shipment")))
    def make_good_what_did_not_arrive(self, data: st.DataObject, way: str) -> None:
        parcel = self._a_parcel(data, {"delivery_failed", "returned"})
        if parcel is not None and (parcel["failure"] == "lost" or parcel["status"] == "returned"):
            self.take(way, self._by_staff(parcel))

    @some_order
    @rule(data=st.data())
    def vendor_packs_a_part(self, data: st.DataObject) -> None:
        parcel = self._a_parcel(data, {"planned"})
        if parcel is None:
            return
        self.take("accept_shipment", self._by_staff(parcel))
        contents = self.world.rows(
            "SELECT item_id, quantity FROM shipment_items WHERE shipment_id = :id ORDER BY sku",
            id=parcel["id"],
        )
        items = [
            PackedItem(item_id=row["item_id"], quantity=packed)
            for row in contents
            if (packed := data.draw(st.integers(0, row["quantity"]), label="packed"))
        ]
        self.take(
            "split_shipment",
            SplitShipment(
                order_id=parcel["order_id"], shipment_id=parcel["id"], actor=STAFF, items=items
            ),
        )

    @some_order
    @rule(data=st.data())
    def send_it_from_elsewhere(self, data: st.DataObject) -> None:
        parcel = self._a_parcel(data, {"planned"})
        if parcel is not None:
            self.take(
                "reallocate_shipment",
                ReallocateShipment(
                    order_id=parcel["order_id"],
                    shipment_id=parcel["id"],
                    actor=STAFF,
                    reason="not there",
                ),
            )

    @some_order
    @rule(data=st.data())
    def staff_gives_a_parcel_up(self, data: st.DataObject) -> None:
        parcel = self._a_parcel(data, {"planned", "packed"})
        if parcel is not None:
            self.take("cancel_shipment", self._by_staff(parcel))

    @some_order
    @rule(data=st.data())
    def authorization_lapses(self, data: st.DataObject) -> None:
        order_id = self.an_order(data)
        for payment in self.world.rows(
            "SELECT provider_payment_id FROM payments WHERE order_id = :id"
            " AND status = :status AND provider_payment_id IS NOT NULL",
            id=order_id,
            status=PaymentStatus.AUTHORIZED,
        ):
            self.world.run(self.world.outside.lapse(payment["provider_payment_id"]))

    def _a_parcel(self, data: st.DataObject, statuses: set[str] | None = None) -> Row | None:
        """A parcel in one of the states; its order goes on until there is one, or not for ever."""
        order_id = self.an_order(data)
        for _ in range(SHORT_LIFE):
            found = [
                parcel
                for parcel in self.parcels(order_id)
                if statuses is None or parcel["status"] in statuses
            ]
            if found:
                return data.draw(st.sampled_from(found), label="parcel")
            self.go_on(order_id)
        return None

    def _look(self, parcel: Row) -> Row:
        return self.world.rows("SELECT * FROM shipments WHERE id = :id", id=parcel["id"])[0]

    def _by_staff(self, parcel: Row) -> ShipmentStep:
        return ShipmentStep(
            order_id=parcel["order_id"], shipment_id=parcel["id"], actor=STAFF, reason="so be it"
        )
