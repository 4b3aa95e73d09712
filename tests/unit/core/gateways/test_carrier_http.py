from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from core.domain.errors import ProviderError, ProviderRejectedError
from core.gateways.carrier import CarrierShipment, TrackingEvent
from core.gateways.carrier_http import domain_error_of, event_of, shipment_of


def error_body(code: str, field: str | None = None) -> bytes:
    error = {"code": code, "message": "1 Byron Row is not in Utopia"}
    return json.dumps({"error": error | ({"field": field} if field else {})}).encode()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_refusal_is_rejected_without_the_carriers_words(status: int) -> None:
    error = domain_error_of(status, error_body("invalid_address", "to_address.country"))

    assert type(error) is ProviderRejectedError
    assert str(error) == f"carrier: {status} invalid_address to_address.country"


@pytest.mark.parametrize("status", [302, 408, 429, 500, 503])
def test_fault_is_unknown(status: int) -> None:
    error = domain_error_of(status, error_body("any"))

    assert type(error) is ProviderError
    assert str(error) == f"carrier: {status} any"


def test_key_in_use_is_unknown_because_the_first_call_still_runs() -> None:
    assert type(domain_error_of(409, error_body("idempotency_key_in_use"))) is ProviderError


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"\xff", b"[]", b"null", b'{"error": "words"}', b'{"error": null}']
)
def test_body_in_another_shape_leaves_the_status(content: bytes) -> None:
    error = domain_error_of(404, content)

    assert type(error) is ProviderRejectedError
    assert str(error) == "carrier: 404"


def test_shipment_is_read_with_its_history_in_utc() -> None:
    answer = {
        "id": "cshp_1",
        "status": "delivered",
        "tracking_number": "SBX1",
        "label_url": "http://carrier.example/labels/cshp_1",
        "events": [
            {
                "id": "cevt_1",
                "status": "delivered",
                "description": "Parcel delivered",
                "occurred_at": "2026-11-20T08:00:00.250Z",
            }
        ],
    }
    assert shipment_of(answer) == CarrierShipment(
        carrier_shipment_id="cshp_1",
        status="delivered",
        tracking_number="SBX1",
        label_url="http://carrier.example/labels/cshp_1",
        events=(
            TrackingEvent(
                event_id="cevt_1",
                status="delivered",
                description="Parcel delivered",
                location=None,
                occurred_at=datetime(2026, 11, 20, 8, 0, 0, 250_000, tzinfo=UTC),
            ),
        ),
    )


def test_event_keeps_ids_and_status_only() -> None:
    event = event_of(
        {
            "id": "cevt_1",
            "type": "shipment.delivered",
            "occurred_at": "2026-11-20T08:00:00Z",
            "data": {
                "shipment_id": "cshp_1",
                "reference": "shp_1",
                "tracking_number": "SBX1",
                "status": "delivered",
                "description": "Signed for by Ada",
                "location": "London",
            },
        }
    )

    assert (event.object_id, event.reference) == ("cshp_1", "shp_1")
    assert event.payload == {
        "id": "cevt_1",
        "type": "shipment.delivered",
        "occurred_at": "2026-11-20T08:00:00Z",
        "shipment_id": "cshp_1",
        "reference": "shp_1",
        "tracking_number": "SBX1",
        "status": "delivered",
    }


def test_event_about_something_else_is_read_all_the_same() -> None:
    event = event_of({"id": "cevt_1", "type": "any", "occurred_at": "2026-11-20T08:00:00Z"})

    assert (event.object_id, event.reference) == ("cevt_1", None)
