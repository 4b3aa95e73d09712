"""A payment provider in the words of the suite: what to pay with, what to break, how to sign.

What a provider cannot do is told by the capabilities of its gateway: a test that needs one says so
with ``pytest.mark.needs`` and runs with the providers that have it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import pytest
from pydantic import SecretStr

from core.domain.provider_books import Capabilities
from core.gateways.payments import PaymentGateway


class PaymentProvider(ABC):
    """One provider, in the sandbox."""

    capabilities: ClassVar[Capabilities]
    service: ClassVar[str]
    """Its name at the sandbox's controls."""
    operations: ClassVar[Mapping[str, str]]
    """The operation that each method of the gateway asks for first, as faults name it."""
    currency: ClassVar[str]

    good: ClassVar[str]
    """Payment methods: one that pays, and what others do."""
    challenged: ClassVar[str]
    challenge_failure: ClassVar[str]
    """The decline code after a challenge that was not passed."""
    declined: ClassVar[Mapping[str, str]]
    """Methods that are declined, with their codes."""
    slow_refund: ClassVar[str]
    """A method to which a refund is pending at first."""
    disputed: ClassVar[str]
    """A method whose payment is disputed as soon as it is captured."""
    disputed_for: ClassVar[str]
    unknown_method_code: ClassVar[str]

    vendor_account: ClassVar[str]
    unusable_accounts: ClassVar[Sequence[str]]
    unknown_payment: ClassVar[str]
    unknown_dispute: ClassVar[str]

    authorization_days: ClassVar[int | None]
    """How long an authorization is good; None when the money is taken at once."""
    authorized_event: ClassVar[str]
    signs_the_time: ClassVar[bool]
    """Whether an old signature can be told from a new one."""
    replays_challenges: ClassVar[bool] = True
    """Whether an open challenge is told again; else the customer gets a new one."""
    withdraws_disputes_at_once: ClassVar[bool] = True
    """Whether disputed money is taken back before the dispute is lost."""
    answers: ClassVar[Mapping[str, str]] = {}
    """The operation that has a method's effect, where it is not the first that it asks for."""

    @abstractmethod
    def __init__(self, sandbox_url: str) -> None: ...

    @abstractmethod
    def open(
        self,
        *,
        secrets: tuple[SecretStr, ...] | None = None,
        timeout_seconds: float | None = None,
        address: str | None = None,
        api_key: SecretStr | None = None,
    ) -> PaymentGateway:
        """Open a gateway; what is given differs from the sandbox's own."""

    @abstractmethod
    def shorten_pages(self, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
        """Let lists come in pages of this many."""

    @abstractmethod
    def event(self, payment_id: str, order_id: str) -> bytes:
        """Word an event about a payment, as the provider would."""

    @abstractmethod
    def sign(self, body: bytes, *, secret: SecretStr, at: float) -> dict[str, str]:
        """Sign as the provider would have at a Unix time."""
