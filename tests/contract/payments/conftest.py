"""The payment gateways under test, each against the sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.gateways.payments import PaymentGateway
from tests.contract.payments.providers import (
    PaymentProvider,
    PaystackInSandbox,
    StripeInSandbox,
)

PROVIDERS: dict[str, type[PaymentProvider]] = {
    "stripe": StripeInSandbox,
    "paystack": PaystackInSandbox,
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run on every provider, or on those that a mark names: the others promise nothing of it."""
    if "provider" in metafunc.fixturenames:
        marks = list(metafunc.definition.iter_markers("providers"))
        names = marks[0].args if marks else sorted(PROVIDERS)
        metafunc.parametrize("provider", names, indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Stripe's SDK hands its form to httpx in a way that httpx will drop one day."""
    sdk = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(sdk)


@pytest.fixture
def provider(request: pytest.FixtureRequest, sandbox_url: str) -> PaymentProvider:
    return PROVIDERS[request.param](sandbox_url)


@pytest.fixture
async def gateway(provider: PaymentProvider) -> AsyncIterator[PaymentGateway]:
    gateway = provider.open()
    yield gateway
    await gateway.close()
