"""`/_control`: switches for tests and for people who try things. Loopback only, no key."""

from __future__ import annotations

import ipaddress
import secrets
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any

from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.sandbox.carrier.errors import CarrierError
from deploy.sandbox.carrier.tracking import Tracker, inject
from deploy.sandbox.control_answers import ControlError, Handler, answer, read_body
from deploy.sandbox.control_money import MoneyControl
from deploy.sandbox.control_requests import (
    CarrierRequest,
    ChallengeRequest,
    FaultRequest,
    RefundNews,
    ShipmentEventRequest,
    WebhookRequest,
)
from deploy.sandbox.documents import Json
from deploy.sandbox.exchange import respond
from deploy.sandbox.faults import Fault
from deploy.sandbox.messages.mailbox import delivered
from deploy.sandbox.paystack import control as paystack
from deploy.sandbox.paystack.context import TRANSACTION, Record
from deploy.sandbox.paystack.errors import PaystackError
from deploy.sandbox.sandbox import SERVICES, Sandbox
from deploy.sandbox.stripe.confirmation import fail_challenge, pass_challenge
from deploy.sandbox.stripe.context import PAYMENT_INTENT, REFUND, Context
from deploy.sandbox.stripe.parameters import Parameters
from deploy.sandbox.stripe.refunds import settle_refund
from deploy.sandbox.stripe.settlement import lapse
from deploy.sandbox.transaction import Transaction
from deploy.sandbox.webhook_modes import Switch

MAX_DELIVERIES = 10_000
LEDGER_KINDS = {"stripe": PAYMENT_INTENT, "paystack": TRANSACTION}


class ControlApi:
    """The handlers; each answers JSON or raises ControlError."""

    def __init__(self, sandbox: Sandbox, tracker: Tracker) -> None:
        self._sandbox = sandbox
        self._tracker = tracker

    async def add_fault(self, request: Request) -> Response:
        asked = await read_body(request, FaultRequest)
        fault = Fault(id=f"flt_{secrets.token_hex(6)}", **asked.model_dump())
        self._sandbox.faults.add(fault)
        await self._sandbox.save_faults()
        return answer(fault.as_json(), status=201)

    async def list_faults(self, _request: Request) -> Response:
        return answer({"data": self._sandbox.faults.as_json()})

    async def clear_faults(self, _request: Request) -> Response:
        self._sandbox.faults.clear()
        await self._sandbox.save_faults()
        return Response(status_code=204)

    async def resolve_challenge(self, request: Request) -> Response:
        asked = await read_body(request, ChallengeRequest)
        intent_id = request.path_params["payment_intent"]

        def resolve(transaction: Transaction) -> Json:
            elsewhere = paystack.challenge(
                transaction, intent_id, passed=asked.outcome == "succeeded"
            )
            if elsewhere is not None:
                return elsewhere
            intent = transaction.documents.get(intent_id, PAYMENT_INTENT)
            if intent is None:
                raise ControlError(404, "not_found", f"There is no payment {intent_id}.")
            if intent["status"] != "requires_action":
                raise ControlError(
                    409,
                    "no_challenge",
                    f"The payment intent is {intent['status']}.",
                    **_status(intent),
                )
            context = self._context(transaction)
            settle = pass_challenge if asked.outcome == "succeeded" else fail_challenge
            settle(context, intent)
            return intent

        return answer(await self._sandbox.act(resolve))

    async def lapse_authorization(self, request: Request) -> Response:
        intent_id = request.path_params["payment_intent"]

        def let_lapse(transaction: Transaction) -> Json:
            intent = transaction.documents.get(intent_id, PAYMENT_INTENT)
            if intent is None:
                raise ControlError(404, "not_found", f"There is no payment intent {intent_id}.")
            lapse(self._context(transaction), intent)
            return intent

        return answer(await self._sandbox.act(let_lapse))

    async def settle_refund(self, request: Request) -> Response:
        asked = await read_body(request, RefundNews)
        refund_id = request.path_params["refund"]

        def settle(transaction: Transaction) -> Json:
            elsewhere = paystack.refund(transaction, refund_id, asked.status)
            if elsewhere is not None:
                return elsewhere
            refund = transaction.documents.get(refund_id, REFUND)
            if refund is None:
                raise ControlError(404, "not_found", f"There is no refund {refund_id}.")
            settle_refund(self._context(transaction), refund, asked.status)
            return refund

        return answer(await self._sandbox.act(settle))

    def _context(self, transaction: Transaction) -> Context:
        return Context(
            transaction=transaction,
            parameters=Parameters({}),
            path={},
            enabled_events=self._sandbox.config.stripe_events,
        )

    async def set_webhooks(self, request: Request) -> Response:
        asked = await read_body(request, WebhookRequest)
        switch = Switch(mode=asked.mode, delay_ms=asked.delay_ms)
        self._sandbox.modes.set(asked.service, switch, asked.order_id)
        await self._save_modes()
        return answer({"modes": self._modes()})

    async def forget_webhooks_of_orders(self, _request: Request) -> Response:
        """Let every order's webhooks do as those of their service."""
        self._sandbox.modes.forget_orders()
        await self._save_modes()
        return Response(status_code=204)

    async def _save_modes(self) -> None:
        await self._sandbox.save_setting("webhooks", self._modes())
        await self._sandbox.save_setting("webhooks_of_orders", self._sandbox.modes.of_orders())

    async def list_deliveries(self, request: Request) -> Response:
        """Newest first; `service`, `state` and `limit` narrow it."""
        wanted = {
            name: request.query_params[name]
            for name in ("service", "state")
            if name in request.query_params
        }
        limit = request.query_params.get("limit", "1000")
        if not limit.isdecimal() or not 1 <= int(limit) <= MAX_DELIVERIES:
            raise ControlError(
                422, "invalid_request", f"limit must be from 1 to {MAX_DELIVERIES}.", field="limit"
            )

        def select(connection: sqlite3.Connection) -> list[Json]:
            rows = connection.execute(
                "SELECT * FROM delivery WHERE service = coalesce(?, service)"
                " AND state = coalesce(?, state) ORDER BY id DESC LIMIT ?",
                (wanted.get("service"), wanted.get("state"), int(limit)),
            )
            return [dict(row) for row in rows]

        data = await self._sandbox.store.read(select)
        return answer({"modes": self._modes(), "data": data})

    async def show_ledger(self, request: Request) -> Response:
        """Every attempt to charge, oldest first, with no limit; `id` is the provider's own."""
        service = request.query_params.get("service", "stripe")
        if service not in LEDGER_KINDS:
            raise ControlError(
                422, "invalid_request", f"{service} keeps no ledger.", field="service"
            )
        return answer({"data": await self._sandbox.store.read(partial(_ledger, service=service))})

    async def list_messages(self, request: Request) -> Response:
        """E-mails and text messages, the newest first; `to` is an address or a number."""
        to = request.query_params.get("to")
        return answer({"data": await self._sandbox.store.read(partial(delivered, to=to))})

    async def add_shipment_event(self, request: Request) -> Response:
        asked = await read_body(request, ShipmentEventRequest)
        shipment_id = request.path_params["id"]
        try:
            shipment = await self._sandbox.act(
                lambda transaction: inject(
                    transaction, shipment_id, asked.status, description=asked.description
                )
            )
        except CarrierError as error:
            raise ControlError(error.status, error.error["code"], str(error)) from error
        self._tracker.wake()
        return answer(shipment)

    async def set_carrier(self, request: Request) -> Response:
        asked = await read_body(request, CarrierRequest)
        await self._tracker.set_transit(asked.transit_ms)
        return answer({"transit_ms": asked.transit_ms})

    async def show_carrier(self, _request: Request) -> Response:
        return answer({"transit_ms": self._sandbox.transit_ms})

    def _modes(self) -> dict[str, Json]:
        switches = {service: self._sandbox.modes.get(service) for service in SERVICES}
        return {
            service: {"mode": switch.mode, "delay_ms": switch.delay_ms}
            for service, switch in switches.items()
        }


def create_control(sandbox: Sandbox, tracker: Tracker) -> Starlette:
    api = ControlApi(sandbox, tracker)
    handlers: tuple[tuple[str, str, Handler], ...] = (
        ("POST", "/faults", api.add_fault),
        ("GET", "/faults", api.list_faults),
        ("DELETE", "/faults", api.clear_faults),
        ("POST", "/challenges/{payment_intent}", api.resolve_challenge),
        ("POST", "/authorizations/{payment_intent}/lapse", api.lapse_authorization),
        ("POST", "/refunds/{refund}", api.settle_refund),
        ("POST", "/webhooks", api.set_webhooks),
        ("GET", "/webhooks", api.list_deliveries),
        ("DELETE", "/webhooks", api.forget_webhooks_of_orders),
        ("GET", "/ledger", api.show_ledger),
        *MoneyControl(sandbox).handlers,
        ("GET", "/messages", api.list_messages),
        ("POST", "/shipments/{id}/events", api.add_shipment_event),
        ("POST", "/carrier", api.set_carrier),
        ("GET", "/carrier", api.show_carrier),
    )
    return Starlette(
        routes=[
            *(
                Route(path, _guarded(handler), methods=[method])
                for method, path, handler in handlers
            ),
            *(
                Route(path, _guarded(_of_paystack(sandbox, model, act)), methods=["POST"])
                for path, model, act in paystack.CONTROLS
            ),
        ],
        exception_handlers={ControlError: _explain, PaystackError: _explain_paystack},
    )


def _guarded(handler: Handler) -> Handler:
    async def guarded(request: Request) -> Response:
        host = request.client.host if request.client is not None else ""
        if not host or not ipaddress.ip_address(host).is_loopback:
            raise ControlError(403, "loopback_only", "The control API answers this machine only.")
        return await handler(request)

    return guarded


def _of_paystack(
    sandbox: Sandbox, model: type[BaseModel], act: Callable[[Transaction, Any, str], Record]
) -> Handler:
    async def handler(request: Request) -> Response:
        asked = await read_body(request, model)
        name = request.path_params.get("name", "")
        record = await sandbox.act(lambda transaction: act(transaction, asked, name))
        return answer(record.wire)

    return handler


def _explain_paystack(_request: Request, error: Exception) -> Response:
    if not isinstance(error, PaystackError):
        raise error
    return respond(error.answer())


def _explain(_request: Request, error: Exception) -> Response:
    if not isinstance(error, ControlError):
        raise error
    return answer({"error": error.error}, status=error.status)


def _ledger(connection: sqlite3.Connection, *, service: str) -> list[Json]:
    rows = connection.execute(
        "SELECT attempt.payment_intent AS id, document.reference AS order_id, amount, currency,"
        " status, captured, refunded, idempotency_key, attempt.created AS created,"
        " attempt.charge AS charge"
        " FROM attempt JOIN document ON document.id = attempt.payment_intent"
        " WHERE document.kind = ? ORDER BY attempt.id",
        (LEDGER_KINDS[service],),
    )
    return [dict(row) for row in rows]


def _status(intent: Json) -> dict[str, str]:
    return {"status_of_intent": intent["status"]}
