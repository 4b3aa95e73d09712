"""What the sandbox needs to know to start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.gateways.stripe_events import SUBSCRIBED_EVENTS
from core.settings import Settings

DEFAULT_STRIPE_EVENTS = SUBSCRIBED_EVENTS
"""The event types that the Stripe webhook endpoint subscribes to; a trailing ``*`` is a prefix."""


@dataclass(frozen=True, kw_only=True)
class SandboxConfig:
    """Durations are milliseconds except where the name says seconds."""

    database: Path
    stripe_api_key: str
    stripe_webhook_secret: str
    paystack_secret_key: str
    carrier_api_key: str
    carrier_webhook_secret: str
    sms_api_key: str
    google_client_id: str
    public_url: str
    smtp_host: str = "127.0.0.1"
    smtp_port: int | None = None
    """Without it no mail server listens; 0 is any port."""
    stripe_webhook_url: str | None = None
    paystack_webhook_url: str | None = None
    carrier_webhook_url: str | None = None
    stripe_events: tuple[str, ...] = DEFAULT_STRIPE_EVENTS
    carrier_transit_ms: int = 1500
    webhook_delay_ms: int = 300
    webhook_timeout_seconds: float = 10.0
    webhook_retry_seconds: tuple[float, ...] = (1.0, 2.0, 5.0, 10.0, 30.0)
    webhook_give_up_seconds: float = 6 * 3600.0
    webhook_concurrency: int = 8


def config_from_settings(
    settings: Settings,
    *,
    database: Path,
    public_url: str,
    stripe_webhook_url: str | None,
    paystack_webhook_url: str | None,
    carrier_webhook_url: str | None,
    carrier_transit_ms: int,
    webhook_delay_ms: int,
    stripe_events: tuple[str, ...] = DEFAULT_STRIPE_EVENTS,
    smtp_host: str = "127.0.0.1",
    smtp_port: int | None = None,
) -> SandboxConfig:
    """The configuration whose keys and signing secrets are those that the platform itself uses."""
    return SandboxConfig(
        database=database,
        public_url=public_url,
        stripe_api_key=settings.stripe.api_key.get_secret_value(),
        stripe_webhook_secret=settings.stripe.webhook_secrets[0].get_secret_value(),
        paystack_secret_key=settings.paystack.secret_key.get_secret_value(),
        carrier_api_key=settings.carrier.api_key.get_secret_value(),
        carrier_webhook_secret=settings.carrier.webhook_secrets[0].get_secret_value(),
        sms_api_key=settings.sms.api_key.get_secret_value(),
        google_client_id=next(iter(settings.google.client_ids), ""),
        smtp_host=smtp_host,
        smtp_port=smtp_port,
        stripe_webhook_url=stripe_webhook_url,
        paystack_webhook_url=paystack_webhook_url,
        carrier_webhook_url=carrier_webhook_url,
        stripe_events=stripe_events,
        carrier_transit_ms=carrier_transit_ms,
        webhook_delay_ms=webhook_delay_ms,
    )
