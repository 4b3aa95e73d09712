"""The payment gateways under test, each against the sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.gateways.payments import PaymentGateway
from tests.contract.payments.paystack_provider import PaystackInSandbox
from tests.contract.payments.providers import PaymentProvider
from tests.contract.payments.stripe_provider import StripeInSandbox

PROVIDERS: dict[str, type[PaymentProvider]] = {
    "paystack": PaystackInSandbox,
    "stripe": StripeInSandbox,
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Stripe's SDK hands its form to httpx in a way that httpx will drop one day."""
    sdk = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(sdk)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test with every provider that can do what its marker ``needs`` names."""
    if "provider_name" not in metafunc.fixturenames:
        return
    needs = [name for mark in metafunc.definition.iter_markers("needs") for name in mark.args]
    able = [
        name
        for name, provider in sorted(PROVIDERS.items())
        if all(getattr(provider.capabilities, need) for need in needs)
    ]
    metafunc.parametrize("provider_name", able)


@pytest.fixture
def provider(provider_name: str, sandbox_url: str) -> PaymentProvider:
    return PROVIDERS[provider_name](sandbox_url)


@pytest.fixture
async def gateway(provider: PaymentProvider) -> AsyncIterator[PaymentGateway]:
    gateway = provider.open()
    yield gateway
    await gateway.close()
