"""Orders, for their customers and for guests who have the order's token."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Header, Query, Request, Response
from pydantic import AwareDatetime
from starlette.responses import StreamingResponse

from api.auth import SignedIn
from api.cancellation import cancel_order as cancel
from api.cancellation import cancel_request
from api.confirmation import confirm_payment
from api.dependencies import Cursor, CursorsDep, Limit, OrderEventsDep, OrderId, Res
from api.guests import OrderCall, OrderReader, Reader, acting
from api.json_route import JsonResponse, router
from api.openapi import problems
from api.pages import page
from api.payments import pay_order
from api.rendering import draft_document, order_document
from api.schemas.order_changes import NewAddress
from api.schemas.orders import CancelRequest, Order, OrderPage, ShipmentList, Timeline
from api.schemas.payments import PaymentRequest
from core.domain.errors import NotFoundError
from core.domain.statuses import OrderStatus
from models.repositories import order_views
from models.repositories.order_address import put_address
from models.repositories.order_views import DraftView
from workflows.messages import PaymentMethodGiven

api = router("orders")

_OWN = problems("not-authenticated", "not-found")
_MAX_SEQUENCE = 2**31 - 1


@api.get(
    "/orders", response_model=OrderPage, responses=problems("not-authenticated", "invalid-cursor")
)
async def list_orders(
    *,
    principal: SignedIn,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
    status: Annotated[OrderStatus | None, Query()] = None,
    created_from: Annotated[
        AwareDatetime | None,
        Query(description="From this moment on", examples=["2026-11-01T00:00:00Z"]),
    ] = None,
    created_to: Annotated[
        AwareDatetime | None,
        Query(description="Before this moment", examples=["2026-12-01T00:00:00Z"]),
    ] = None,
) -> Response:
    """Return the caller's orders, the newest first."""
    scope = {
        "list": "orders",
        "customer": principal.user_id,
        "status": status,
        "from": created_from,
        "to": created_to,
    }
    rows = await order_views.list_orders(
        resources.database,
        customer_id=principal.user_id,
        limit=limit + 1,
        before=cursors.open(cursor, scope=scope),
        status=status,
        created_from=created_from,
        created_to=created_to,
    )
    return JsonResponse(
        page(
            rows,
            limit=limit,
            cursors=cursors,
            scope=scope,
            id_of=lambda order: order.id,
            render=order_document,
        )
    )


@api.get("/orders/{id}", response_model=Order, responses=_OWN)
async def get_order(order_id: OrderId, reader: OrderReader, resources: Res) -> Response:
    """Return an order of the caller's; one that was promised (202) shows as pending."""
    order = await order_views.find_order(resources.database, order_id, reader.customer_id)
    if order is not None:
        return JsonResponse(order_document(order))
    return JsonResponse(draft_document(await _promised(resources, order_id, reader)))


@api.get("/orders/{id}/timeline", response_model=Timeline, responses=_OWN)
async def get_timeline(order_id: OrderId, reader: OrderReader, resources: Res) -> Response:
    """Return every step so far, and what the order waits for now."""
    timeline = await order_views.find_timeline(resources.database, order_id, reader.customer_id)
    if timeline is None:
        await _promised(resources, order_id, reader)
        return JsonResponse({"data": [], "waiting_for": None})
    return JsonResponse({"data": timeline.entries, "waiting_for": timeline.waiting_for})


@api.get("/orders/{id}/shipments", response_model=ShipmentList, responses=_OWN)
async def list_shipments(order_id: OrderId, reader: OrderReader, resources: Res) -> Response:
    """Return the parcels of an order and where they are."""
    shipments = await order_views.find_shipments(resources.database, order_id, reader.customer_id)
    if shipments is None:
        await _promised(resources, order_id, reader)
    return JsonResponse({"data": shipments or [], "next_cursor": None})


_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "One event for each timeline entry; `id` is its number",
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "example": 'event: order.confirmed\ndata: {"at": "2026-11-22T09:30:00.000000Z", '
                '"type": "order.confirmed", "title": "Order confirmed", "detail": "", '
                '"actor": "system"}\nid: 4\n\n',
            }
        },
    }
}


@api.get("/orders/{id}/events", response_class=StreamingResponse, responses={**_STREAM, **_OWN})
async def stream_events(
    order_id: OrderId,
    reader: OrderReader,
    resources: Res,
    events: OrderEventsDep,
    last_event_id: Annotated[str | None, Header(description="Resume after this event")] = None,
) -> Response:
    """Follow an order until it ends (Server-Sent Events); reconnect with `Last-Event-ID`."""
    if not await order_views.owns_order(resources.database, order_id, reader.customer_id):
        await _promised(resources, order_id, reader)
    return StreamingResponse(
        events.stream(order_id, _sequence(last_event_id)),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


@api.post(
    "/orders/{id}/cancel",
    response_model=Order,
    responses={
        202: {"model": Order, "description": "Being canceled; track it"},
        **_OWN,
        **problems("idempotency-key-missing", "idempotency-key-reused", "invalid-state"),
    },
)
async def cancel_order(
    *,
    request: Request,
    order_id: OrderId,
    call: OrderCall,
    resources: Res,
    wanted: CancelRequest | None = None,
) -> Response:
    """Cancel an order that is not shipped, or items of it that are not.

    What is left of the order keeps its shipping fee. The whole order's stock is released and its
    payment voided.
    """
    return await cancel(
        request,
        resources,
        call,
        order_id,
        cancel_request(wanted, actor=acting(request, call.caller_id)),
        customer_id=call.caller_id,
    )


@api.put(
    "/orders/{id}/shipping-address",
    response_model=Order,
    responses={**_OWN, **problems("invalid-state")},
)
async def change_address(
    order_id: OrderId, reader: OrderReader, resources: Res, address: NewAddress
) -> Response:
    """Send an order elsewhere in the same country and region, until its first parcel is booked.

    Another country or region has other taxes and fees: cancel the order and place a new one.
    """
    await put_address(
        resources.database,
        order_id,
        address.model_dump(),
        customer_id=reader.customer_id,
        actor=reader.actor,
    )
    order = await order_views.find_order(resources.database, order_id, reader.customer_id)
    if order is None:
        raise NotFoundError("there is no such order")
    return JsonResponse(order_document(order))


@api.post(
    "/orders/{id}/payment",
    response_model=Order,
    responses={
        202: {"model": Order, "description": "Under way; track it"},
        **_OWN,
        **problems(
            "idempotency-key-missing",
            "idempotency-key-reused",
            "invalid-state",
            "payment-declined",
        ),
    },
)
async def pay_once_more(
    *,
    request: Request,
    order_id: OrderId,
    call: OrderCall,
    resources: Res,
    wanted: PaymentRequest,
) -> Response:
    """Pay with another method what an order waits for whose authorization has lapsed."""
    given = PaymentMethodGiven(
        actor=acting(request, call.caller_id),
        provider=wanted.payment.provider,
        payment_method=wanted.payment.payment_method,
    )
    return await pay_order(request, resources, call, order_id, given)


@api.post(
    "/orders/{id}/payment/confirm",
    response_model=Order,
    responses={
        202: {"model": Order, "description": "Being asked about; track it"},
        **_OWN,
        **problems(
            "idempotency-key-missing",
            "idempotency-key-reused",
            "invalid-state",
            "payment-declined",
        ),
    },
)
async def confirm_challenge(
    *, request: Request, order_id: OrderId, call: OrderCall, resources: Res
) -> Response:
    """Say that the bank's challenge is done; the provider is asked at once, not believed.

    An order that still has `requires_action` was not confirmed at the bank; ask again with another
    key.
    """
    return await confirm_payment(request, resources, call, order_id)


async def _promised(resources: Res, order_id: str, reader: Reader) -> DraftView:
    draft = await order_views.find_draft(
        resources.database, order_id, reader.customer_id, promised=True
    )
    if draft is None:
        raise NotFoundError("there is no such order")
    return draft


def _sequence(last_event_id: str | None) -> int:
    """Read the header; what is not one of our numbers starts from the beginning."""
    if last_event_id is None or not (last_event_id.isascii() and last_event_id.isdigit()):
        return 0
    return min(int(last_event_id[:10]), _MAX_SEQUENCE)
