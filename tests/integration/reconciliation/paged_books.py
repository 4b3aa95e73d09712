"""A provider whose lists come in pages as a test lays them out, and that can break down."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

from core.domain.errors import ProviderError
from core.domain.provider_books import Capabilities, MovementKind, Page, ProviderMovement
from core.gateways.payments import PaymentGateway

NOTHING: Page[Any] = Page(items=[])


def fee(number: int) -> ProviderMovement:
    """A movement that takes ``number`` minor units from us."""
    return ProviderMovement(
        movement_id=f"txn_{number}",
        kind=MovementKind.FEE,
        source_id=f"fee_{number}",
        currency="USD",
        amount=-number,
        fee=0,
        occurred_at=datetime(2026, 11, 1, tzinfo=UTC),
    )


class PagedBooks:
    """Only what a reconciliation asks for; ``asked`` are the cursors of the movements."""

    name = "paged"
    capabilities = Capabilities(
        manual_capture=False,
        multicapture=False,
        partial_capture=False,
        events_list=False,
        currencies=frozenset(),
        refund_days=None,
    )

    def __init__(self, pages: Sequence[Sequence[ProviderMovement]] = ()) -> None:
        self._pages = pages
        self.asked: list[str | None] = []
        self.breaks_at: str | None = None

    def as_gateway(self) -> PaymentGateway:
        return cast("PaymentGateway", self)

    async def list_movements(
        self, _since: datetime, _until: datetime, cursor: str | None = None
    ) -> Page[ProviderMovement]:
        self.asked.append(cursor)
        if cursor is not None and cursor == self.breaks_at:
            raise ProviderError("paged: no answer")
        number = int(cursor or 0)
        if number >= len(self._pages):
            return NOTHING
        more = number + 1 < len(self._pages)
        return Page(items=self._pages[number], next_cursor=str(number + 1) if more else None)

    async def list_payments(self, *_: object) -> Page[Any]:
        return NOTHING

    async def list_disputes(self, *_: object) -> Page[Any]:
        return NOTHING

    async def list_transfers(self, *_: object) -> Page[Any]:
        return NOTHING
