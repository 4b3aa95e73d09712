"""What every carrier gateway owes, over real HTTP to the sandbox."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook

from core.domain.errors import InvalidSignatureError, ProviderError, ProviderRejectedError
from core.gateways.carrier import CarrierGateway, Parcel
from core.gateways.carrier_http import HttpCarrierGateway
from core.settings import CarrierSettings
from deploy.local.ports import free_ports
from tests.contract.sandbox import Control, Inbox

OLD = SecretStr("whsec_" + "b2xkLXNlY3JldC1vZi10aGUtY2Fycmllcg==")
NEW = SecretStr("whsec_" + "bmV3LXNlY3JldC1vZi10aGUtY2Fycmllcg==")
BODY = json.dumps(
    {
        "id": "cevt_1",
        "type": "shipment.delivered",
        "occurred_at": "2026-11-20T08:00:00.000Z",
        "data": {
            "shipment_id": "cshp_1",
            "reference": "shp_1",
            "tracking_number": "SBX1",
            "status": "delivered",
            "description": "Left with the neighbor",
            "location": "Berlin",
        },
    }
).encode()


class CarrierInSandbox:
    """The carrier with the HTTP API."""

    def __init__(self, sandbox_url: str) -> None:
        self._settings = CarrierSettings(api_base=f"{sandbox_url}/carrier")

    def open(self, **changes: object) -> HttpCarrierGateway:
        return HttpCarrierGateway.open(self._settings.model_copy(update=changes))


CARRIERS = {"http": CarrierInSandbox}


@pytest.fixture(params=sorted(CARRIERS))
def carrier(request: pytest.FixtureRequest, sandbox_url: str) -> CarrierInSandbox:
    return CARRIERS[request.param](sandbox_url)


@pytest.fixture
async def gateway(carrier: CarrierInSandbox) -> AsyncIterator[CarrierGateway]:
    gateway = carrier.open()
    yield gateway
    await gateway.close()


def parcel(**address: str) -> Parcel:
    to_address = {
        "name": "Ada Lovelace",
        "line1": "1 Byron Row",
        "city": "London",
        "postal_code": "N1 1AA",
        "country": "GB",
    }
    return Parcel(
        reference=f"shp_{uuid4().hex}",
        service="standard",
        to_address=to_address | address,
        items=[("TEE-BLK-M", 2), ("MUG", 1)],
    )


def sign(secret: SecretStr, *, at: datetime, body: bytes = BODY) -> dict[str, str]:
    signature = Webhook(secret.get_secret_value()).sign("cevt_1", at, body.decode())
    return {
        "webhook-id": "cevt_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }


async def test_booked_parcel_has_label_and_tracking_number(gateway: CarrierGateway) -> None:
    booked = await gateway.book(parcel())

    assert booked.status == "booked"
    assert booked.tracking_number
    assert booked.label_url.endswith(booked.carrier_shipment_id)
    assert booked.events == ()
    assert await gateway.fetch(booked.carrier_shipment_id) == booked


async def test_same_parcel_again_is_the_same_shipment(gateway: CarrierGateway) -> None:
    wanted = parcel()
    assert await gateway.book(wanted) == await gateway.book(wanted)


async def test_same_reference_with_another_parcel_is_rejected(gateway: CarrierGateway) -> None:
    first = parcel()
    await gateway.book(first)

    with pytest.raises(ProviderRejectedError, match="idempotency_key_reused"):
        await gateway.book(replace(first, items=[("MUG", 9)]))


async def test_bad_address_is_rejected_with_its_field_and_without_its_words(
    gateway: CarrierGateway,
) -> None:
    with pytest.raises(ProviderRejectedError) as caught:
        await gateway.book(parcel(country="Utopia"))

    assert str(caught.value) == "carrier: 422 invalid_address to_address.country"


async def test_handed_over_parcel_is_collected_once(gateway: CarrierGateway) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    booked = await gateway.book(parcel())
    first = await gateway.hand_over(booked.carrier_shipment_id)
    again = await gateway.hand_over(booked.carrier_shipment_id)

    assert first.status == "handed_over"
    [collected] = first.events
    assert (collected.status, collected.location) == ("handed_over", "London")
    assert before <= collected.occurred_at <= datetime.now(UTC)
    assert again.events[0] == collected
    assert [event.status for event in again.events].count("handed_over") == 1


async def test_tracked_parcel_tells_its_history(gateway: CarrierGateway, control: Control) -> None:
    booked = await gateway.book(parcel())
    for status in ("delivery_failed", "returned"):
        await control.tracked(booked.carrier_shipment_id, status)

    present = await gateway.fetch(booked.carrier_shipment_id)

    assert present.status == "returned"
    assert [event.status for event in present.events] == ["delivery_failed", "returned"]


async def test_booking_is_canceled_once(gateway: CarrierGateway) -> None:
    booked = await gateway.book(parcel())
    await gateway.cancel(booked.carrier_shipment_id)
    await gateway.cancel(booked.carrier_shipment_id)

    present = await gateway.fetch(booked.carrier_shipment_id)
    assert [event.status for event in present.events] == ["canceled"]
    with pytest.raises(ProviderRejectedError, match="409 shipment_canceled"):
        await gateway.hand_over(booked.carrier_shipment_id)


async def test_collected_parcel_cannot_be_canceled(gateway: CarrierGateway) -> None:
    booked = await gateway.book(parcel())
    await gateway.hand_over(booked.carrier_shipment_id)

    with pytest.raises(ProviderRejectedError, match="409 already_handed_over"):
        await gateway.cancel(booked.carrier_shipment_id)


async def test_unknown_shipment_is_rejected(gateway: CarrierGateway) -> None:
    for shipment_id in ("cshp_unknown", "../secrets", "a b?c#d"):
        with pytest.raises(ProviderRejectedError, match="404 not_found"):
            await gateway.fetch(shipment_id)


async def test_lost_answer_of_booking_is_the_same_shipment_again(
    gateway: CarrierGateway, control: Control
) -> None:
    wanted = parcel()
    await control.fault("carrier", "shipments.create", "timeout_after_effect", latency_ms=0)
    with pytest.raises(ProviderError):
        await gateway.book(wanted)

    assert await gateway.book(wanted) == await gateway.book(wanted)


@pytest.mark.parametrize("mode", ["error_500", "error_429", "connection_reset", "down"])
async def test_fault_before_the_effect_is_unknown_and_can_be_tried_again(
    gateway: CarrierGateway, control: Control, mode: str
) -> None:
    wanted = parcel()
    await control.fault("carrier", "shipments.create", mode)

    with pytest.raises(ProviderError):
        await gateway.book(wanted)
    assert (await gateway.book(wanted)).status == "booked"


async def test_fault_of_any_method_is_unknown(gateway: CarrierGateway, control: Control) -> None:
    shipment_id = (await gateway.book(parcel())).carrier_shipment_id
    calls = {
        "shipments.retrieve": gateway.fetch,
        "shipments.hand_over": gateway.hand_over,
        "shipments.cancel": gateway.cancel,
    }
    for operation, call in calls.items():
        await control.fault("carrier", operation, "error_500")
        with pytest.raises(ProviderError, match="500 internal_error"):
            await call(shipment_id)


async def test_no_answer_in_time_is_unknown(carrier: CarrierInSandbox, control: Control) -> None:
    hasty = carrier.open(timeout_seconds=0.05)
    await control.fault("carrier", "shipments.retrieve", "latency", latency_ms=3_600_000)

    with pytest.raises(ProviderError):
        await hasty.fetch("cshp_1")
    await hasty.close()


async def test_nobody_listening_is_unknown(carrier: CarrierInSandbox) -> None:
    lost = carrier.open(api_base=f"http://127.0.0.1:{free_ports().sandbox}")

    with pytest.raises(ProviderError, match="ConnectError"):
        await lost.fetch("cshp_1")
    await lost.close()


async def test_wrong_api_key_is_rejected(carrier: CarrierInSandbox) -> None:
    stranger = carrier.open(api_key=SecretStr("carrier_of_somebody_else"))

    with pytest.raises(ProviderRejectedError, match=r"^carrier: 401 not_authenticated$"):
        await stranger.fetch("cshp_1")
    await stranger.close()


async def test_delivered_event_names_shipment_and_reference(
    gateway: CarrierGateway, control: Control, inbox: Inbox
) -> None:
    wanted = parcel()
    booked = await gateway.book(wanted)
    await control.tracked(booked.carrier_shipment_id, "delivered")
    delivery = await inbox.first(booked.carrier_shipment_id)

    event = gateway.verify_webhook(delivery.body, delivery.headers)

    present = await gateway.fetch(booked.carrier_shipment_id)
    assert event.event_id == present.events[0].event_id
    assert event.type == "shipment.delivered"
    assert event.object_id == booked.carrier_shipment_id
    assert event.reference == wanted.reference


async def test_any_secret_of_a_rotation_is_good(carrier: CarrierInSandbox) -> None:
    gateway = carrier.open(webhook_secrets=(NEW, OLD))
    for secret in (OLD, NEW):
        event = gateway.verify_webhook(BODY, sign(secret, at=datetime.now(UTC)))
        assert (event.object_id, event.reference) == ("cshp_1", "shp_1")
    await gateway.close()


async def test_old_forged_or_missing_signature_is_refused(carrier: CarrierInSandbox) -> None:
    gateway = carrier.open(webhook_secrets=(NEW,))
    now = datetime.now(UTC)
    good = sign(NEW, at=now)
    refused = [
        (BODY, sign(NEW, at=now - timedelta(seconds=301))),
        (BODY, sign(OLD, at=now)),
        (BODY.replace(b"shp_1", b"shp_2"), good),
        (BODY, good | {"webhook-id": "cevt_2"}),
        (b"\xff" + BODY, good),
        (BODY, good | {"webhook-signature": "v1"}),
        (BODY, good | {"webhook-signature": "v1,\xe9"}),
        (BODY, good | {"webhook-timestamp": "inf"}),
        (BODY, {}),
    ]

    assert gateway.verify_webhook(BODY, good).event_id == "cevt_1"
    for body, headers in refused:
        with pytest.raises(InvalidSignatureError):
            gateway.verify_webhook(body, headers)
    await gateway.close()
