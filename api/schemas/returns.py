"""Returns and what is asked of them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from api.schemas.base import AT_EXAMPLE, Moment, Money, Quantity, Schema, Sku, example, text
from core.domain.statuses import ReturnStatus

MAX_ITEMS = 1000
_ID = "01jd7x9k2me8kv1qzr5t0w3y4b"
_RETURN = {
    "id": f"ret_{_ID}",
    "order_id": f"ord_{_ID}",
    "status": "requested",
    "items": [
        {
            "item_id": f"itm_{_ID}",
            "sku": "TEE-BLK-M",
            "quantity": 1,
            "reason": "damaged",
            "exchange_sku": None,
            "sellable_quantity": 0,
            "damaged_quantity": 0,
        }
    ],
    "deadline_at": AT_EXAMPLE,
    "tracking_number": None,
    "warehouse_id": None,
    "rejection_reason": None,
    "refund_id": None,
    "refund": None,
    "refund_shipping": False,
    "workflow_id": f"return/ret_{_ID}",
    "created_at": AT_EXAMPLE,
    "updated_at": AT_EXAMPLE,
}
ItemId = Annotated[str, text(64), Field(examples=[f"itm_{_ID}"])]
Words = Annotated[str, text(500)]


class ReturnItem(Schema):
    item_id: str
    sku: str
    quantity: int
    reason: str
    exchange_sku: str | None
    sellable_quantity: int
    damaged_quantity: int


class Return(Schema):
    """``deadline_at`` is by when the next step is due; ``refund`` what the inspection was worth."""

    model_config = example(_RETURN)

    id: str
    order_id: str
    status: ReturnStatus
    items: list[ReturnItem]
    deadline_at: Moment | None
    tracking_number: str | None
    warehouse_id: str | None
    rejection_reason: str | None
    refund_id: str | None
    refund: Money | None
    refund_shipping: bool
    workflow_id: str
    created_at: Moment
    updated_at: Moment


class ReturnPage(Schema):
    model_config = example({"data": [_RETURN], "next_cursor": None})

    data: list[Return]
    next_cursor: str | None


class WantedReturnItem(Schema):
    """``reason`` is changed_mind, damaged, wrong_item, not_as_described or other.

    Any other words are kept and count as ``other``. With ``exchange_sku`` these goods are wanted
    instead of money.
    """

    item_id: ItemId
    quantity: Quantity
    reason: Annotated[str, text(200), Field(examples=["damaged"])]
    exchange_sku: Sku | None = None


class WantedReturn(Schema):
    model_config = example(
        {"items": [{"item_id": f"itm_{_ID}", "quantity": 1, "reason": "damaged"}]}
    )

    items: Annotated[list[WantedReturnItem], Field(min_length=1, max_length=MAX_ITEMS)]


class ReturnShipped(Schema):
    model_config = example({"tracking_number": "1Z999AA10123456784"})

    tracking_number: Annotated[str, text(100)]


class ReturnApproval(Schema):
    model_config = example({"reason": "within the window"})

    reason: Words | None = None


class ReturnRejection(Schema):
    model_config = example({"reason": "worn"})

    reason: Words


class Condition(StrEnum):
    SELLABLE = "sellable"
    DAMAGED = "damaged"


class ReceivedItem(Schema):
    item_id: ItemId
    quantity: Quantity
    condition: Condition


class Refusal(Schema):
    """Why nothing is paid for what came, and what becomes of it."""

    reason: Words
    goods: Literal["kept", "sent_back"]


class ReceivedReturn(Schema):
    """What came, by condition; one item may be listed once for each condition.

    Without ``warehouse_id`` the goods came back to where they were sent from. With ``refusal`` the
    return is rejected after its inspection.
    """

    model_config = example(
        {"items": [{"item_id": f"itm_{_ID}", "quantity": 1, "condition": "sellable"}]}
    )

    items: Annotated[list[ReceivedItem], Field(min_length=1, max_length=MAX_ITEMS)]
    warehouse_id: Annotated[str, text(64)] | None = None
    refusal: Refusal | None = None
