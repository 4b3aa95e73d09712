"""The composition root: everything that a process holds open, opened and closed in one place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from temporalio.client import Client
from temporalio.runtime import Runtime

from core import temporal
from core.cache import CacheClient, open_cache
from core.database import Database
from core.gateways.carrier import CarrierGateway
from core.gateways.carrier_http import HttpCarrierGateway
from core.gateways.email import EmailGateway, SmtpEmailGateway
from core.gateways.google import GoogleTokens, JwksGoogleTokens
from core.gateways.object_stores import open_object_store
from core.gateways.objects import ObjectStore
from core.gateways.payments import PaymentGateway
from core.gateways.paystack import PaystackGateway
from core.gateways.sms import HttpSmsGateway, SmsGateway
from core.gateways.stripe import StripeGateway
from core.settings import Settings
from core.tagged_cache import TaggedCache
from core.telemetry import trace_statements

PAYMENT_GATEWAYS: Mapping[str, Callable[[Settings, Database], PaymentGateway]] = {
    "stripe": lambda settings, _database: StripeGateway.open(settings.stripe),
    "paystack": lambda settings, database: PaystackGateway.open(
        settings.paystack, database.one_at_a_time
    ),
}
"""Every provider of payments that there is, by its name; ``payments.providers`` says which are in
use."""


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What handlers and activities use; ``payments`` maps a provider's name to its gateway."""

    settings: Settings
    database: Database
    cache: CacheClient
    reads: TaggedCache
    temporal: Client
    payments: Mapping[str, PaymentGateway]
    carrier: CarrierGateway
    email: EmailGateway
    sms: SmsGateway
    google: GoogleTokens
    objects: ObjectStore


@asynccontextmanager
async def open_resources(
    settings: Settings, *, runtime: Runtime | None = None, for_worker: bool = False
) -> AsyncIterator[Resources]:
    """Open them all; nothing connects before it is used, so a process starts without them.

    Args:
        settings: the addresses.
        runtime: carries the metrics of Temporal's SDK.
        for_worker: connect to Temporal at once, as the SDK asks of a worker.
    """
    async with AsyncExitStack() as stack:
        database = Database.open(settings.postgres)
        stack.push_async_callback(database.close)
        trace_statements(database.engine, settings)
        cache = open_cache(settings.redis)
        stack.push_async_callback(cache.aclose)
        payments = {
            name: PAYMENT_GATEWAYS[name](settings, database) for name in settings.payments.providers
        }
        for gateway in payments.values():
            stack.push_async_callback(gateway.close)
        carrier = HttpCarrierGateway.open(settings.carrier)
        stack.push_async_callback(carrier.close)
        sms = HttpSmsGateway.open(settings.sms)
        stack.push_async_callback(sms.close)
        google = JwksGoogleTokens.open(settings.google)
        stack.push_async_callback(google.close)
        objects = open_object_store(settings)
        stack.push_async_callback(objects.close)
        yield Resources(
            settings=settings,
            database=database,
            cache=cache,
            reads=TaggedCache(cache),
            temporal=await temporal.connect(settings, lazy=not for_worker, runtime=runtime),
            payments=payments,
            carrier=carrier,
            email=SmtpEmailGateway(settings.email),
            sms=sms,
            google=google,
            objects=objects,
        )
