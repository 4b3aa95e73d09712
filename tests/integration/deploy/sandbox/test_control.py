from __future__ import annotations

from typing import Any

import pytest

from tests.integration.deploy.sandbox.harness import RunningSandbox


async def test_health(sandbox: RunningSandbox) -> None:
    answer = await sandbox.http.get(f"{sandbox.url}/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_messages_are_none_yet(sandbox: RunningSandbox) -> None:
    assert (await sandbox.control("GET", "messages")).json() == {"data": []}


@pytest.mark.parametrize(
    ("path", "content", "field"),
    [
        ("faults", {"service": "paypal", "operation": "*", "mode": "down"}, "service"),
        ("faults", {"service": "stripe", "operation": "*", "mode": "slow"}, "mode"),
        ("faults", {"service": "stripe", "operation": "refund", "mode": "down"}, ""),
        (
            "faults",
            {"service": "stripe", "operation": "*", "mode": "down", "probability": 2},
            "probability",
        ),
        ("faults", {"service": "stripe", "operation": "*", "mode": "down", "count": 0}, "count"),
        (
            "faults",
            {"service": "carrier", "operation": "*", "mode": "down", "order_id": "ord_1"},
            "",
        ),
        ("webhooks", {"service": "stripe", "mode": "lose"}, "mode"),
        ("webhooks", {"service": "carrier", "mode": "drop", "order_id": "ord_1"}, ""),
        ("challenges/pi_1", {"outcome": "maybe"}, "outcome"),
        ("carrier", {}, "transit_ms"),
        ("shipments/cshp_1/events", {"status": "eaten"}, "status"),
    ],
)
async def test_bad_switch_is_422_and_names_its_field(
    sandbox: RunningSandbox, path: str, content: dict[str, Any], field: str
) -> None:
    answer = await sandbox.control("POST", path, content)

    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["error"]["fields"]] == [field]
    assert (await sandbox.control("GET", "faults")).json() == {"data": []}


async def test_speed_of_parcels_is_told_as_it_was_set(sandbox: RunningSandbox) -> None:
    for transit_ms in (None, 250):
        await sandbox.control("POST", "carrier", {"transit_ms": transit_ms})
        assert (await sandbox.control("GET", "carrier")).json() == {"transit_ms": transit_ms}


async def test_fault_is_listed_and_cleared(sandbox: RunningSandbox) -> None:
    await sandbox.fault("stripe", "refunds.create", "latency", latency_ms=5, probability=0.5)

    listed = (await sandbox.control("GET", "faults")).json()["data"]
    cleared = await sandbox.control("DELETE", "faults")

    assert [{**fault, "id": ""} for fault in listed] == [
        {
            "id": "",
            "service": "stripe",
            "operation": "refunds.create",
            "mode": "latency",
            "latency_ms": 5,
            "probability": 0.5,
            "count": None,
            "order_id": None,
        }
    ]
    assert cleared.status_code == 204
    assert (await sandbox.control("GET", "faults")).json() == {"data": []}


async def test_ledger_of_another_service_is_refused(sandbox: RunningSandbox) -> None:
    assert (await sandbox.control("GET", "ledger?service=carrier")).status_code == 422


async def test_event_of_an_unknown_shipment_is_404(sandbox: RunningSandbox) -> None:
    answer = await sandbox.control("POST", "shipments/cshp_none/events", {"status": "lost"})

    assert answer.status_code == 404
