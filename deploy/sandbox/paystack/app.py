"""The routes of `/paystack`, and how one request becomes one answer."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.sandbox.exchange import Answer, exchange, respond
from deploy.sandbox.paystack import (
    disputes,
    ledger,
    refunds,
    settlements,
    transactions,
    transfers,
)
from deploy.sandbox.paystack.context import (
    DISPUTE,
    LEDGER,
    RECIPIENT,
    REFUND,
    SERVICE,
    SETTLEMENT,
    TRANSACTION,
    TRANSFER,
    Context,
)
from deploy.sandbox.paystack.errors import DIALECT, PaystackError, wrong_key
from deploy.sandbox.paystack.lists import Listing, listing
from deploy.sandbox.paystack.page import CheckoutPage
from deploy.sandbox.sandbox import Sandbox
from deploy.sandbox.transaction import Transaction

Operation = Callable[[Context], Any]


@dataclass(frozen=True, kw_only=True)
class Call:
    """One operation of the API; `name` is what faults are set for."""

    method: str
    path: str
    name: str
    message: str
    run: Operation
    status: int = 200


def _wire(record: Any) -> Any:
    return record.wire


CALLS = (
    Call(
        method="POST",
        path="/transaction/initialize",
        name="transaction.initialize",
        message="Authorization URL created",
        run=transactions.initialize,
    ),
    Call(
        method="POST",
        path="/transaction/charge_authorization",
        name="transaction.charge_authorization",
        message="Charge attempted",
        run=disputes.charge_authorization,
    ),
    Call(
        method="GET",
        path="/transaction/verify/{transaction}",
        name="transaction.verify",
        message="Verification successful",
        run=transactions.verify,
    ),
    Call(
        method="GET",
        path="/transaction",
        name="transaction.list",
        message="Transactions retrieved",
        run=listing(TRANSACTION, show=transactions.show),
    ),
    Call(
        method="GET",
        path="/transaction/{id}",
        name="transaction.fetch",
        message="Transaction retrieved",
        run=transactions.retrieve,
    ),
    Call(
        method="POST",
        path="/refund",
        name="refund.create",
        message="Refund has been queued for processing",
        run=refunds.create_refund,
    ),
    Call(
        method="GET",
        path="/refund",
        name="refund.list",
        message="Refunds retrieved",
        run=listing(REFUND, show=_wire, filters=refunds.by_transaction),
    ),
    Call(
        method="GET",
        path="/refund/{id}",
        name="refund.fetch",
        message="Refund retrieved",
        run=refunds.retrieve_refund,
    ),
    Call(
        method="POST",
        path="/transferrecipient",
        name="transferrecipient.create",
        message="Transfer recipient created successfully",
        run=transfers.create_recipient,
        status=201,
    ),
    Call(
        method="GET",
        path="/transferrecipient",
        name="transferrecipient.list",
        message="Recipients retrieved",
        run=listing(RECIPIENT, show=_wire),
    ),
    Call(
        method="POST",
        path="/transfer",
        name="transfer.initiate",
        message="Transfer has been queued",
        run=transfers.create_transfer,
    ),
    Call(
        method="POST",
        path="/transfer/bulk",
        name="transfer.bulk",
        message="transfers queued.",
        run=transfers.create_bulk,
    ),
    Call(
        method="GET",
        path="/transfer/verify/{reference}",
        name="transfer.verify",
        message="Transfer retrieved",
        run=transfers.verify_transfer,
    ),
    Call(
        method="GET",
        path="/transfer",
        name="transfer.list",
        message="Transfers retrieved",
        run=listing(TRANSFER, show=_wire),
    ),
    Call(
        method="GET",
        path="/transfer/{id}",
        name="transfer.fetch",
        message="Transfer retrieved",
        run=transfers.retrieve_transfer,
    ),
    Call(
        method="GET",
        path="/settlement",
        name="settlement.list",
        message="Settlements retrieved",
        run=listing(SETTLEMENT, show=_wire),
    ),
    Call(
        method="GET",
        path="/settlement/{id}/transactions",
        name="settlement.transactions",
        message="Transactions retrieved",
        run=settlements.list_transactions,
    ),
    Call(
        method="GET",
        path="/dispute",
        name="dispute.list",
        message="Disputes retrieved",
        run=listing(DISPUTE, show=_wire),
    ),
    Call(
        method="GET",
        path="/dispute/{id}",
        name="dispute.fetch",
        message="Dispute retrieved",
        run=disputes.retrieve_dispute,
    ),
    Call(
        method="POST",
        path="/dispute/{id}/evidence",
        name="dispute.evidence",
        message="Evidence created",
        run=disputes.add_evidence,
    ),
    Call(
        method="GET",
        path="/dispute/{id}/upload_url",
        name="dispute.upload_url",
        message="Upload url generated",
        run=disputes.upload_url,
    ),
    Call(
        method="PUT",
        path="/dispute/{id}/resolve",
        name="dispute.resolve",
        message="Dispute successfully resolved",
        run=disputes.resolve,
    ),
    Call(
        method="GET",
        path="/balance",
        name="balance.fetch",
        message="Balances retrieved",
        run=ledger.check_balance,
    ),
    Call(
        method="GET",
        path="/balance/ledger",
        name="balance.ledger",
        message="Balance ledger retrieved",
        run=listing(LEDGER, show=_wire),
    ),
)


def create_paystack(sandbox: Sandbox) -> Starlette:
    page = CheckoutPage(sandbox)
    return Starlette(
        routes=[
            *(Route(call.path, _endpoint(sandbox, call), methods=[call.method]) for call in CALLS),
            Route("/checkout/{reference}", page.show, methods=["GET"]),
            Route("/checkout/{reference}", page.answer, methods=["POST"]),
            Route("/uploads/{dispute}/{file}", _take_file, methods=["PUT"]),
        ],
        exception_handlers={404: _unknown_path, 405: _unknown_path},
    )


def _unknown_path(_request: Request, _error: Exception) -> Response:
    return respond(PaystackError("Not found", status=404, code="not_found").answer())


async def _take_file(request: Request) -> Response:
    await request.body()
    return Response(status_code=200)


def _endpoint(sandbox: Sandbox, call: Call) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            _authenticate(request, sandbox.config.paystack_secret_key)
            given = await _given(request)
        except PaystackError as error:
            return respond(error.answer())
        work = partial(
            _execute,
            call=call,
            given=given,
            path=request.path_params,
            public_url=sandbox.config.public_url,
        )
        return await exchange(
            sandbox,
            service=SERVICE,
            operation=call.name,
            key=None,
            dialect=DIALECT,
            work=work,
            subject={**given, **request.path_params},
        )

    return endpoint


def _execute(
    transaction: Transaction,
    *,
    call: Call,
    given: Mapping[str, Any],
    path: Mapping[str, str],
    public_url: str,
) -> Answer:
    context = Context(transaction=transaction, given=given, path=path, public_url=public_url)
    with transaction.attempt() as undo:
        try:
            data = call.run(context)
        except PaystackError as error:
            undo()
            return error.answer()
    body = {"status": True, "message": call.message}
    if isinstance(data, Listing):
        body |= {"data": data.data, "meta": data.meta}
    else:
        body |= {"data": data}
    return Answer(status=call.status, body=orjson.dumps(body))


def _authenticate(request: Request, expected: str) -> None:
    scheme, _, presented = request.headers.get("authorization", "").partition(" ")
    known = hmac.compare_digest(presented.strip().encode(), expected.encode())
    if scheme.lower() != "bearer" or not known:
        raise wrong_key()


async def _given(request: Request) -> Mapping[str, Any]:
    if request.method == "GET":
        return dict(request.query_params)
    try:
        body = orjson.loads(await request.body() or b"{}")
    except orjson.JSONDecodeError as error:
        raise PaystackError("Invalid JSON", code="invalid_json") from error
    if not isinstance(body, dict):
        raise PaystackError("Invalid JSON", code="invalid_json")
    return body
