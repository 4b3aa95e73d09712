"""The payment gateways under test, each against the sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.gateways.payments import PaymentGateway
from tests.contract.payments.providers import PaymentProvider, StripeInSandbox

PROVIDERS = {"stripe": StripeInSandbox}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Stripe's SDK hands its form to httpx in a way that httpx will drop one day."""
    sdk = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(sdk)


@pytest.fixture(params=sorted(PROVIDERS))
def provider(request: pytest.FixtureRequest, sandbox_url: str) -> PaymentProvider:
    return PROVIDERS[request.param](sandbox_url)


@pytest.fixture
async def gateway(provider: PaymentProvider) -> AsyncIterator[PaymentGateway]:
    gateway = provider.open()
    yield gateway
    await gateway.close()
