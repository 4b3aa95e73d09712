"""The outside world as these tests need it: broken until mended, and never moving by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.contract.sandbox import Control

TRANSIT_MS = 1500
"""What the sandbox starts with."""


@dataclass(frozen=True, kw_only=True)
class Outside(Control):
    """The sandbox's switches, with those for faults that last."""

    async def break_down(
        self, service: str, operation: str, mode: str = "down", **more: int
    ) -> None:
        """Let every call of an operation fail, until ``clear_faults``."""
        fault = {"service": service, "operation": operation, "mode": mode, **more}
        await self._post("/faults", fault)

    async def webhooks(self, mode: str) -> None:
        """Say what becomes of every webhook."""
        for service in ("stripe", "paystack", "carrier"):
            await self._post("/webhooks", {"service": service, "mode": mode})

    async def move_parcels_in(self, transit_ms: int | None) -> None:
        """Let parcels arrive by themselves after so long, or never (None)."""
        await self._post("/carrier", {"transit_ms": transit_ms})

    async def charges(self, order_id: str, service: str = "stripe") -> list[tuple[str, int, int]]:
        """Status, amount and captured amount of every attempt to charge an order."""
        return [
            (row["status"], row["amount"], row["captured"])
            for row in await self.attempts(order_id, service)
        ]

    async def intent(self, order_id: str) -> str:
        """The provider's id of the order's only payment."""
        (attempt,) = await self.attempts(order_id)
        return str(attempt["id"])

    async def slow_recipient(self, code: str, currency: str) -> None:
        """A vendor at Paystack whose bank takes its time."""
        account = {"recipient_code": code, "currency": currency, "account_number": "0000000000"}
        await self._post("/paystack/recipients", account)

    async def move_transfer(self, reference: str, status: str) -> None:
        """The bank has news of a transfer at Paystack."""
        await self._post(f"/paystack/transfers/{reference}", {"status": status})

    async def faults(self) -> list[dict[str, Any]]:
        """The faults that are still set."""
        data: list[dict[str, Any]] = (await self.http.get("/faults")).json()["data"]
        return data
