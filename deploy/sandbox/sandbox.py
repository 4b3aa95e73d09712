"""The sandbox's parts, wired once and shared by the mounts."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from typing import Any, TypeVar

import orjson

from deploy.sandbox.config import SandboxConfig
from deploy.sandbox.deliveries import Dispatcher, Target
from deploy.sandbox.faults import Faults
from deploy.sandbox.idempotency import KeysInUse
from deploy.sandbox.signing import paystack_signer, standard_signer, stripe_signer
from deploy.sandbox.store import Store
from deploy.sandbox.transaction import PlannedDelivery, Transaction
from deploy.sandbox.webhook_modes import Switch, WebhookMode, WebhookModes

Result = TypeVar("Result")

STRIPE = "stripe"
PAYSTACK = "paystack"
CARRIER = "carrier"
SERVICES = (STRIPE, PAYSTACK, CARRIER)


class Sandbox:
    """Open it with `start`, release it with `stop`; `begin_shutdown` lets held requests go."""

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.store = Store(config.database)
        self.faults = Faults()
        self.modes = WebhookModes(delay_ms=config.webhook_delay_ms)
        self.keys_in_use = KeysInUse()
        self.dispatcher = Dispatcher(self.store, config, _targets(config))
        self.transit_ms: int | None = config.carrier_transit_ms
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        await self.store.open()
        settings = await self.store.read(_load_settings)
        self.faults.load(settings.get("faults", []))
        for service, stored in settings.get("webhooks", {}).items():
            switch = Switch(mode=WebhookMode(stored["mode"]), delay_ms=stored["delay_ms"])
            self.modes.set(service, switch)
        for stored in settings.get("webhooks_of_orders", []):
            switch = Switch(mode=WebhookMode(stored["mode"]), delay_ms=stored["delay_ms"])
            self.modes.set(stored["service"], switch, stored["order_id"])
        if "transit_ms" in settings:
            self.transit_ms = settings["transit_ms"]
        await self.dispatcher.start()

    async def stop(self) -> None:
        self._stopping.set()
        await self.dispatcher.stop()
        await self.store.close()

    async def begin_shutdown(self) -> None:
        self._stopping.set()

    async def hold(self, milliseconds: int) -> None:
        """Wait, but not beyond the beginning of a shutdown."""
        try:
            await asyncio.wait_for(self._stopping.wait(), milliseconds / 1000)
        except TimeoutError:
            return

    async def transact(
        self, work: Callable[[Transaction], Result]
    ) -> tuple[Result, list[PlannedDelivery]]:
        """Commit `work`; deliveries that may be early are returned, all others are scheduled."""

        def run(connection: sqlite3.Connection) -> tuple[Result, list[PlannedDelivery]]:
            transaction = Transaction(connection=connection, modes=self.modes, now=time.time())
            return work(transaction), transaction.planned

        result, planned = await self.store.write(run)
        self.dispatcher.schedule(one for one in planned if not one.early)
        return result, [one for one in planned if one.early]

    async def act(self, work: Callable[[Transaction], Result]) -> Result:
        """Commit `work` that no API call waits for, such as a control or a carrier's progress."""
        result, early = await self.transact(work)
        self.dispatcher.schedule(early)
        return result

    async def save_setting(self, name: str, value: Any) -> None:
        encoded = orjson.dumps(value)
        await self.store.write(
            lambda connection: connection.execute(
                "INSERT INTO setting (name, value) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, encoded),
            )
        )

    async def save_faults(self) -> None:
        await self.save_setting("faults", self.faults.as_json())


def _targets(config: SandboxConfig) -> dict[str, Target]:
    targets: dict[str, Target] = {}
    if config.stripe_webhook_url is not None:
        targets[STRIPE] = Target(
            url=config.stripe_webhook_url, sign=stripe_signer(config.stripe_webhook_secret)
        )
    if config.paystack_webhook_url is not None:
        targets[PAYSTACK] = Target(
            url=config.paystack_webhook_url, sign=paystack_signer(config.paystack_secret_key)
        )
    if config.carrier_webhook_url is not None:
        targets[CARRIER] = Target(
            url=config.carrier_webhook_url, sign=standard_signer(config.carrier_webhook_secret)
        )
    return targets


def _load_settings(connection: sqlite3.Connection) -> dict[str, Any]:
    rows = connection.execute("SELECT name, value FROM setting").fetchall()
    return {row["name"]: orjson.loads(row["value"]) for row in rows}
