"""The sandbox as the contract suites use it: its switches, its ledger, its deliveries."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

DEADLINE_SECONDS = 20


@dataclass(frozen=True, kw_only=True)
class Control:
    """The sandbox's control API."""

    http: httpx.AsyncClient

    async def fault(self, service: str, operation: str, mode: str, **more: int | str) -> None:
        """Let the next call of an operation fail."""
        fault = {"service": service, "operation": operation, "mode": mode, "count": 1, **more}
        await self._post("/faults", fault)

    async def until_struck(self) -> None:
        """Wait until the faults that were set are used up."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            # The sandbox is another process: there is no event to wait for.
            while (await self.http.get("/faults")).json()["data"]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def clear_faults(self) -> None:
        (await self.http.delete("/faults")).raise_for_status()

    async def answer_challenge(self, payment_id: str, outcome: str) -> None:
        await self._post(f"/challenges/{payment_id}", {"outcome": outcome})

    async def lapse(self, payment_id: str) -> None:
        """Let an authorization's time be over."""
        await self._post(f"/authorizations/{payment_id}/lapse", {})

    async def settle_refund(self, refund_id: str, status: str) -> None:
        """Let the bank say what became of a refund."""
        await self._post(f"/refunds/{refund_id}", {"status": status})

    async def dispute(self, payment_id: str, **more: int | str | bool) -> str:
        """Let the customer's bank dispute a payment; tells the dispute's id."""
        opened = await self._post("/disputes", {"payment_intent": payment_id, **more})
        return str(opened["id"])

    async def decide_dispute(self, dispute_id: str, status: str) -> None:
        """Let the bank go on with a dispute."""
        await self._post(f"/disputes/{dispute_id}", {"status": status})

    async def reverse_transfer(self, transfer_id: str, **more: int) -> None:
        """Let money that was sent to a vendor come back."""
        await self._post(f"/transfers/{transfer_id}", {"status": "reversed", **more})

    async def pay_out(self, currency: str, amount: int | None = None) -> str:
        """Let the provider pay to our bank; tells the payout's id."""
        paid = await self._post("/payouts", {"currency": currency, "amount": amount})
        return str(paid["id"])

    async def fail_payout(self, payout_id: str) -> None:
        await self._post(f"/payouts/{payout_id}", {"status": "failed"})

    async def balance(self, currency: str) -> dict[str, Any]:
        """What the provider's movements of a currency add up to."""
        rows: list[dict[str, Any]] = (await self.http.get("/balance")).json()["data"]
        nothing = {"currency": currency, "amount": 0, "fee": 0, "net": 0, "types": {}}
        return next((row for row in rows if row["currency"] == currency), nothing)

    async def tracked(self, shipment_id: str, status: str) -> None:
        """Let something happen to a parcel."""
        await self._post(f"/shipments/{shipment_id}/events", {"status": status})

    async def attempts(self, order_id: str, service: str = "stripe") -> list[dict[str, Any]]:
        """Every attempt to charge an order, as the provider sees it."""
        ledger = await self.http.get("/ledger", params={"service": service})
        return [row for row in ledger.json()["data"] if row["order_id"] == order_id]

    async def _post(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        answer = await self.http.post(path, json=body)
        answer.raise_for_status()
        content: dict[str, Any] = answer.json()
        return content


@dataclass(frozen=True, kw_only=True)
class Delivery:
    body: bytes
    headers: dict[str, str]


@dataclass
class Inbox:
    """A receiver of webhooks that keeps what it gets and says 200."""

    _received: list[Delivery] = field(default_factory=list)
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of ``asyncio.start_server``."""
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")[1:-2]
        headers = dict(line.split(": ", 1) for line in lines)
        lower = {name.lower(): value for name, value in headers.items()}
        body = await reader.readexactly(int(lower["content-length"]))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        async with self._arrived:
            self._received.append(Delivery(body=body, headers=headers))
            self._arrived.notify_all()

    async def first(self, *words: str) -> Delivery:
        """Wait for the first delivery whose body holds all the words."""

        def match() -> Delivery | None:
            wanted = [word.encode() for word in words]
            found = (one for one in self._received if all(word in one.body for word in wanted))
            return next(found, None)

        async with asyncio.timeout(DEADLINE_SECONDS), self._arrived:
            while (delivery := match()) is None:
                await self._arrived.wait()
            return delivery
