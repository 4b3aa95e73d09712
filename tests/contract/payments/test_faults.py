"""Faults and refusals of the provider."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from core.domain.errors import ProviderError, ProviderRejectedError
from core.domain.provider_books import Evidence
from core.domain.statuses import PaymentStatus
from core.gateways.payments import PaymentGateway, Transfer
from deploy.local.ports import free_ports
from tests.contract.payments.orders import LONG_AGO, authorization, authorized, id_of
from tests.contract.payments.providers import PaymentProvider
from tests.contract.sandbox import Control

NOW = datetime.now(UTC)


@pytest.mark.parametrize("mode", ["error_500", "error_429", "connection_reset", "down"])
async def test_fault_before_the_effect_is_unknown_and_can_be_tried_again(
    gateway: PaymentGateway, provider: PaymentProvider, control: Control, mode: str
) -> None:
    request = authorization(provider, provider.good)
    await control.fault(provider.service, provider.operations["authorize"], mode)

    with pytest.raises(ProviderError):
        await gateway.authorize(request)
    assert await control.attempts(request.order_id, provider.service) == []
    assert (await gateway.authorize(request)).payment.status is PaymentStatus.AUTHORIZED


async def test_fault_of_any_method_is_unknown(
    gateway: PaymentGateway, provider: PaymentProvider, control: Control
) -> None:
    payment_id = id_of(await authorized(gateway, provider))
    transfer = Transfer(
        reference="stl_1",
        destination=provider.vendor_account,
        amount=1,
        currency=provider.currency,
        key="k:t",
    )
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "confirm": lambda: gateway.confirm(payment_id, key="k:f"),
        "fetch": lambda: gateway.fetch(payment_id),
        "find": lambda: gateway.find("ord_1", LONG_AGO),
        "capture": lambda: gateway.capture(payment_id, amount=1, final=True, key="k:c"),
        "void": lambda: gateway.void(payment_id, key="k:v"),
        "refund": lambda: gateway.refund(payment_id, amount=1, key="k:r", reference="rfd_1"),
        "find_refunds": lambda: gateway.find_refunds(payment_id),
        "list_movements": lambda: gateway.list_movements(NOW, NOW),
        "list_payments": lambda: gateway.list_payments(NOW, NOW),
        "list_events": lambda: gateway.list_events(NOW),
        "list_disputes": lambda: gateway.list_disputes(NOW),
        "fetch_dispute": lambda: gateway.fetch_dispute("du_1"),
        "submit_evidence": lambda: gateway.submit_evidence(
            "du_1", Evidence(explanation="-"), key="k:e"
        ),
        "accept_dispute": lambda: gateway.accept_dispute("du_1", key="k:a"),
        "transfer": lambda: gateway.transfer(transfer),
        "transfer_all": lambda: gateway.transfer_all([transfer]),
        "find_transfer": lambda: gateway.find_transfer("stl_1", NOW),
        "list_transfers": lambda: gateway.list_transfers(NOW, NOW),
    }
    if not gateway.capabilities.events_list:
        del calls["list_events"]
    assert provider.operations.keys() == {"authorize", *calls}
    for method, call in calls.items():
        await control.fault(provider.service, provider.operations[method], "error_500")
        with pytest.raises(ProviderError):
            await call()


async def test_no_answer_in_time_is_unknown(provider: PaymentProvider, control: Control) -> None:
    hasty = provider.open(timeout_seconds=0.05)
    operation = provider.operations["fetch"]
    await control.fault(provider.service, operation, "latency", latency_ms=3_600_000)

    with pytest.raises(ProviderError):
        await hasty.fetch(provider.unknown_payment)
    await hasty.close()


async def test_nobody_listening_is_unknown(provider: PaymentProvider) -> None:
    lost = provider.open(address=f"http://127.0.0.1:{free_ports().sandbox}")

    with pytest.raises(ProviderError):
        await lost.fetch(provider.unknown_payment)
    await lost.close()


async def test_unknown_payment_is_rejected(
    gateway: PaymentGateway, provider: PaymentProvider
) -> None:
    with pytest.raises(ProviderRejectedError):
        await gateway.fetch(provider.unknown_payment)


async def test_wrong_api_key_is_rejected_and_not_repeated(provider: PaymentProvider) -> None:
    stranger = provider.open(api_key=SecretStr("sk_test_of_somebody_else"))

    with pytest.raises(ProviderRejectedError) as caught:
        await stranger.fetch(provider.unknown_payment)
    assert "else" not in str(caught.value)
    assert caught.value.__suppress_context__
    await stranger.close()
