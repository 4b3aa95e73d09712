"""The routes of `/carrier`."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from functools import partial

import orjson
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from deploy.sandbox.carrier import shipments
from deploy.sandbox.carrier.errors import DIALECT, CarrierError
from deploy.sandbox.carrier.shipments import SHIPMENT, Booking
from deploy.sandbox.carrier.tracking import Tracker
from deploy.sandbox.documents import Documents, Json
from deploy.sandbox.exchange import Answer, exchange, respond
from deploy.sandbox.idempotency import Claim, fingerprint, recall, remember
from deploy.sandbox.sandbox import CARRIER, Sandbox
from deploy.sandbox.transaction import Transaction

OPERATIONS = (
    "shipments.create",
    "shipments.retrieve",
    "shipments.list",
    "shipments.hand_over",
    "shipments.cancel",
)
Prepare = Callable[[Request], Awaitable[Callable[[Transaction], Json]]]


def create_carrier(sandbox: Sandbox, tracker: Tracker) -> Starlette:
    async def retrieve(request: Request) -> Callable[[Transaction], Json]:
        return partial(shipments.fetch, shipment_id=request.path_params["id"])

    async def find(request: Request) -> Callable[[Transaction], Json]:
        return partial(shipments.find, reference=request.query_params.get("reference"))

    async def hand_over(request: Request) -> Callable[[Transaction], Json]:
        return partial(
            shipments.hand_over,
            shipment_id=request.path_params["id"],
            transit_ms=sandbox.transit_ms,
        )

    async def cancel(request: Request) -> Callable[[Transaction], Json]:
        return partial(shipments.cancel, shipment_id=request.path_params["id"])

    def route(method: str, path: str, name: str, prepare: Prepare) -> Route:
        return Route(path, _endpoint(sandbox, tracker, name, prepare), methods=[method])

    return Starlette(
        routes=[
            Route("/v1/shipments", _create_endpoint(sandbox), methods=["POST"]),
            route("GET", "/v1/shipments", "shipments.list", find),
            route("GET", "/v1/shipments/{id}", "shipments.retrieve", retrieve),
            route("POST", "/v1/shipments/{id}/hand-over", "shipments.hand_over", hand_over),
            route("POST", "/v1/shipments/{id}/cancel", "shipments.cancel", cancel),
            Route("/labels/{id}", _label_endpoint(sandbox)),
        ],
        exception_handlers={404: _unknown_path, 405: _unknown_path},
    )


def _unknown_path(_request: Request, _error: Exception) -> Response:
    return respond(CarrierError(404, "not_found", "There is nothing at this path.").answer())


def _endpoint(
    sandbox: Sandbox, tracker: Tracker, name: str, prepare: Prepare
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            _authenticate(request, sandbox.config.carrier_api_key)
        except CarrierError as error:
            return respond(error.answer())
        operation = await prepare(request)

        def work(transaction: Transaction) -> Answer:
            try:
                return Answer(status=200, body=orjson.dumps(operation(transaction)))
            except CarrierError as error:
                return error.answer()

        response = await exchange(
            sandbox, service=CARRIER, operation=name, key=None, dialect=DIALECT, work=work
        )
        if request.method == "POST":
            tracker.wake()
        return response

    return endpoint


def _create_endpoint(sandbox: Sandbox) -> Callable[[Request], Awaitable[Response]]:
    async def create(request: Request) -> Response:
        try:
            _authenticate(request, sandbox.config.carrier_api_key)
            key = request.headers.get("idempotency-key")
            if not key:
                raise CarrierError(  # noqa: TRY301 - one place words every refusal
                    400, "idempotency_key_missing", "The header Idempotency-Key is required."
                )
            content = _parse(await request.body())
            booking = _validate(content)
        except CarrierError as error:
            return respond(error.answer())
        claim = Claim(
            service=CARRIER,
            key=key,
            path="/v1/shipments",
            fingerprint=fingerprint(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)),
        )
        work = partial(_book, claim=claim, booking=booking, public_url=sandbox.config.public_url)
        return await exchange(
            sandbox,
            service=CARRIER,
            operation="shipments.create",
            key=key,
            dialect=DIALECT,
            work=work,
        )

    return create


def _book(transaction: Transaction, *, claim: Claim, booking: Booking, public_url: str) -> Answer:
    known = recall(transaction, claim)
    if known is not None and not known.same_payload:
        return CarrierError(
            422, "idempotency_key_reused", "The key was used before with another payload."
        ).answer()
    if known is not None:
        return Answer(status=known.status, body=known.body, headers={"Idempotent-Replayed": "true"})
    body = orjson.dumps(shipments.book(transaction, booking, public_url=public_url))
    remember(transaction, claim, status=201, request_id="", body=body)
    return Answer(status=201, body=body)


def _label_endpoint(sandbox: Sandbox) -> Callable[[Request], Awaitable[Response]]:
    async def label(request: Request) -> Response:
        shipment_id = request.path_params["id"]
        shipment = await sandbox.store.read(
            lambda connection: Documents(connection).get(shipment_id, SHIPMENT)
        )
        if shipment is None:
            return _unknown_path(request, LookupError(shipment_id))
        to = shipment["to_address"]
        lines = (
            f"SANDBOX CARRIER  {shipment['service'].upper()}",
            f"TRACKING {shipment['tracking_number']}",
            f"REF {shipment['reference']}",
            "",
            to["name"],
            to["line1"],
            to["line2"],
            " ".join(part for part in (to["postal_code"], to["city"], to["region"]) if part),
            to["country"],
        )
        return PlainTextResponse("\n".join(line for line in lines if line is not None) + "\n")

    return label


def _authenticate(request: Request, expected: str) -> None:
    scheme, _, presented = request.headers.get("authorization", "").partition(" ")
    known = hmac.compare_digest(presented.strip().encode(), expected.encode())
    if scheme.lower() != "bearer" or not known:
        raise CarrierError(401, "not_authenticated", "A valid Bearer key is required.")


def _parse(raw: bytes) -> object:
    try:
        content: object = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise CarrierError(400, "invalid_json", f"The body is not JSON: {error}") from error
    return content


def _validate(content: object) -> Booking:
    try:
        return Booking.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        code = "invalid_address" if first["loc"][:1] == ("to_address",) else "invalid_request"
        raise CarrierError(422, code, f"{field}: {first['msg']}", field=field) from error
