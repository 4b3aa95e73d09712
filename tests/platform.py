"""The whole platform as its users start it: ``perdure up --detach`` in a folder of its own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from core.database import Database
from core.domain.ids import Prefix, new_id
from core.settings import PostgresSettings
from tests.eventually import eventually
from tests.shop import ADDRESS

UP_SECONDS = 90
PASSWORD = "correct-horse-battery-8-staple"


@dataclass(frozen=True, kw_only=True)
class Platform:
    """A running platform and what ``perdure status --json`` says of it."""

    directory: Path

    def perdure(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of the platform's command line on it."""
        return subprocess.run(  # noqa: S603  # our own command line, fixed arguments
            [sys.executable, "-m", "deploy.cli", *arguments, "--data-dir", str(self.directory)],
            capture_output=True,
            text=True,
            timeout=UP_SECONDS,
            check=check,
            env={k: v for k, v in os.environ.items() if not k.startswith("PERDURE_")},
        )

    def status(self) -> dict[str, Any]:
        """What ``perdure status --json`` prints."""
        status: dict[str, Any] = json.loads(self.perdure("status", "--json").stdout)
        return status


@asynccontextmanager
async def running_platform() -> AsyncIterator[Platform]:
    """Start a platform on free ports; stop it and wipe its folder at the end."""
    with tempfile.TemporaryDirectory(prefix="perdure-e2e-") as folder:
        platform = Platform(directory=Path(folder) / "data")
        up = await asyncio.to_thread(
            platform.perdure, "up", "--detach", "--ports", "auto", "--no-first-order", check=False
        )
        try:
            assert up.returncode == 0, up.stdout + up.stderr
            yield platform
        finally:
            await asyncio.to_thread(platform.perdure, "down", check=False)


class Customer:
    """A client of the API with an account of its own."""

    def __init__(self, http: httpx.AsyncClient, token: str) -> None:
        self.http = http
        self.headers = {"Authorization": f"Bearer {token}"}

    @classmethod
    async def register(cls, http: httpx.AsyncClient) -> Customer:
        """Sign up and in."""
        email = f"{new_id(Prefix.USER)}@example.com"
        account = {"email": email, "password": PASSWORD}
        created = await http.post("/v1/auth/register", json=account | {"name": "Test"})
        assert created.status_code == 201, created.text
        tokens = await http.post("/v1/auth/login", json=account)
        assert tokens.status_code == 200, tokens.text
        return cls(http, tokens.json()["access_token"])

    async def check_out(
        self,
        sku: str,
        *,
        quantity: int = 1,
        payment_method: str = "pm_card_visa",
        key: str | None = None,
    ) -> httpx.Response:
        """Place an order of one line."""
        return await self.http.post(
            "/v1/checkouts",
            json=checkout_body(sku, quantity=quantity, payment_method=payment_method),
            headers=self.headers | {"Idempotency-Key": key or new_id(Prefix.EVENT)},
        )

    async def decided(self, answer: httpx.Response) -> str:
        """Return what became of a checkout: ``confirmed``, or the slug of its refusal.

        A machine that is busy answers 202 after its latency budget and decides a moment later:
        what is promised is the decision, not when it is made.
        """
        if answer.status_code != httpx.codes.ACCEPTED:
            problem = answer.json()
            return str(problem.get("status") if answer.is_success else slug_of(problem))
        path = answer.headers["location"]
        order = await eventually(
            lambda: self.get(path), lambda found: found["status"] != "pending", within_seconds=60
        )
        if order["status"] != "failed":
            return str(order["status"])
        told = [entry["type"] for entry in (await self.get(f"{path}/timeline"))["data"]]
        return "payment-declined" if "payment.declined" in told else "out-of-stock"

    async def get(self, path: str) -> dict[str, Any]:
        """Read something of one's own."""
        response = await self.http.get(path, headers=self.headers)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer


def slug_of(problem: Mapping[str, Any]) -> str:
    """The last part of a problem's type."""
    return str(problem["type"]).rsplit("/", 1)[-1]


def checkout_body(
    sku: str, *, quantity: int = 1, payment_method: str = "pm_card_visa"
) -> dict[str, Any]:
    """The body of a checkout of one line."""
    return {
        "items": [{"sku": sku, "quantity": quantity}],
        "currency": "USD",
        "shipping_address": ADDRESS,
        "shipping_method": "standard",
        "payment": {"provider": "stripe", "payment_method": payment_method},
        "hold_id": None,
        "promotion_code": None,
    }


def database_of(status: Mapping[str, Any]) -> Database:
    """The platform's database."""
    return Database.open(PostgresSettings(url=status["postgres_url"]))
