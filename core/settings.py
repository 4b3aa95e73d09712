"""Every address, secret and limit of the platform, in one typed tree.

A value comes from the environment (``PERDURE_POSTGRES_URL`` sets ``postgres.url``), from a store of
secrets if there is one (``core.secret_stores``), from a ``.env`` file, or from the default below,
which fits the embedded stack. ``.env.example`` lists them all.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from core.domain.allocation import AllocationStrategy
from core.domain.returns import WhenUndecided
from core.payment_settings import PaymentSettings
from core.secret_stores import AwsSettings, SecretStore, VaultSettings
from core.section import Section
from core.settings_sources import SecretStoreSource

PLACEHOLDER = "embedded-placeholder"
"""Secrets that start with this are for the embedded stack only; production refuses them."""


class Environment(StrEnum):
    EMBEDDED = "embedded"
    TEST = "test"
    PRODUCTION = "production"


class PostgresSettings(Section):
    url: SecretStr = SecretStr("postgresql://postgres@127.0.0.1:15432/perdure")
    pool_size: int = Field(default=10, ge=1, description="connections kept by each process")
    max_overflow: int = Field(
        default=10, ge=0, description="connections above the pool, for bursts"
    )
    prepared_statements: bool = Field(
        default=True, description="false behind PgBouncer in transaction mode"
    )
    connect_timeout_seconds: float = 5.0
    statement_timeout_seconds: float = 15.0


class RedisSettings(Section):
    url: SecretStr = SecretStr("redis://127.0.0.1:16379/0")
    timeout_seconds: float = Field(default=0.25, description="slower than this counts as down")


class TemporalSettings(Section):
    address: str = "127.0.0.1:17233"
    namespace: str = "default"
    ui_url: str = "http://127.0.0.1:18233"
    api_key: SecretStr | None = Field(default=None, description="Temporal Cloud API key")
    tls: bool = Field(default=False, description="TLS without a client certificate")
    tls_server_ca_file: Path | None = None
    tls_client_cert_file: Path | None = Field(default=None, description="mTLS certificate, PEM")
    tls_client_key_file: Path | None = Field(default=None, description="mTLS private key, PEM")
    max_cached_workflows: int = Field(
        default=500, ge=0, description="0 replays every task from history; tests use it"
    )


class StripeSettings(Section):
    api_base: str = "http://127.0.0.1:18090/stripe"
    api_key: SecretStr = SecretStr(f"sk_test_{PLACEHOLDER}")
    webhook_secrets: tuple[SecretStr, ...] = Field(
        default=(SecretStr(f"whsec_{PLACEHOLDER}"),),
        description="JSON list; several are valid while one is rotated out",
    )
    timeout_seconds: float = Field(default=20.0, description="then the outcome is unknown")


class PaystackSettings(Section):
    api_base: str = "http://127.0.0.1:18090/paystack"
    secret_key: SecretStr = SecretStr(f"sk_test_paystack_{PLACEHOLDER}")
    previous_secret_keys: tuple[SecretStr, ...] = Field(
        default=(),
        description="JSON list; webhooks signed with one are accepted while the key is rotated",
    )
    timeout_seconds: float = Field(default=20.0, description="then the outcome is unknown")


class CarrierSettings(Section):
    api_base: str = "http://127.0.0.1:18090/carrier"
    api_key: SecretStr = SecretStr(f"carrier_{PLACEHOLDER}")
    webhook_secrets: tuple[SecretStr, ...] = Field(
        default=(SecretStr("whsec_" + "ZW1iZWRkZWQtcGxhY2Vob2xkZXItY2FycmllcjEyMzQ="),),
        description="JSON list of Standard Webhooks secrets",
    )
    timeout_seconds: float = 20.0


class AuthSettings(Section):
    jwt_key: SecretStr = SecretStr(f"{PLACEHOLDER}-signing-key-of-32-bytes-at-least")
    jwt_key_id: str = "embedded-1"
    previous_jwt_keys: dict[str, SecretStr] = Field(
        default_factory=dict, description="JSON object of key id to key, still accepted"
    )
    issuer: str = "perdure"
    access_token_seconds: int = 3600
    refresh_token_seconds: int = 30 * 86_400
    cursor_key: SecretStr = SecretStr(f"{PLACEHOLDER}-cursor-key-of-32-bytes-at-least")
    tracking_key: SecretStr = Field(
        default=SecretStr(f"{PLACEHOLDER}-tracking-key-of-32-bytes-at-least"),
        description="signs the tokens with which guests follow their orders",
    )


class ApiSettings(Section):
    host: str = "127.0.0.1"
    port: int = 18080
    public_url: str = "http://127.0.0.1:18080"
    latency_budget_seconds: float = Field(
        default=5.0, description="a checkout that takes longer is answered with 202"
    )
    checkouts_at_once: int = Field(
        default=32, ge=1, description="of one process; more wait in line, and begin in turn"
    )
    rate_limit: str = Field(
        default="1000/second", description="per account, or per address without a token"
    )
    login_rate_limit: str = Field(default="1000/second", description="per address, for /v1/auth")
    max_body_bytes: int = 1024 * 1024
    max_cart_lines: int = 100
    max_quantity: int = 10_000
    sse_poll_seconds: float = 0.5
    sse_heartbeat_seconds: float = 15.0
    trusted_proxies: tuple[str, ...] = Field(
        default=(), description="JSON list of addresses whose X-Forwarded-For is believed"
    )


class CartSettings(Section):
    guest_seconds: int = Field(
        default=7 * 86_400, ge=1, description="without a change for so long, it is gone"
    )
    customer_seconds: int = Field(
        default=30 * 86_400, ge=1, description="the same for the cart of an account"
    )


class CheckoutSettings(Section):
    challenge_seconds: int = Field(
        default=900, description="3-D Secure answered by then, or released"
    )
    max_hold_seconds: int = 3600
    quote_seconds: int = 900
    allocation: AllocationStrategy = Field(
        default=AllocationStrategy.FEWEST_SHIPMENTS,
        description="what warehouses are chosen for: fewest_shipments, nearest_warehouse, priority",
    )


class StockSettings(Section):
    max_counted_rows: int = Field(
        default=5_000, ge=1, description="rows of one stock-taking; more are refused"
    )


class FulfillmentSettings(Section):
    handling_seconds: int = Field(
        default=10, description="from confirmation to booking; the order can be canceled meanwhile"
    )
    delivery_deadline_seconds: int = Field(
        default=14 * 86_400, description="without news from the carrier by then a person is asked"
    )
    return_window_seconds: int = Field(
        default=14 * 86_400, description="from delivery to completion of the order"
    )
    accept_within_seconds: int = Field(
        default=86_400, description="a vendor who moves parcels by hand accepts one by then"
    )
    pack_within_seconds: int = Field(default=2 * 86_400, description="from acceptance to packing")
    hand_over_within_seconds: int = Field(
        default=2 * 86_400, description="from packing to the carrier; then staff are told"
    )
    review_deadline_seconds: int = Field(
        default=2 * 86_400, description="a person decides about a held order by then"
    )
    review_approves_at_deadline: bool = Field(
        default=False, description="let a held order go on at its deadline, not cancel it"
    )


class ReturnSettings(Section):
    auto_approve_reasons: tuple[str, ...] = Field(
        default=(), description="JSON list; a return for these alone needs no person"
    )
    auto_approve_amount: int = Field(
        default=0, ge=0, description="minor units; a return that is worth more is for staff"
    )
    decision_seconds: int = Field(
        default=2 * 86_400, description="without a decision by then staff is asked"
    )
    undecided_seconds: int = Field(
        default=5 * 86_400, description="after that, what RETURNS_WHEN_UNDECIDED says happens"
    )
    when_undecided: WhenUndecided = Field(
        default=WhenUndecided.EXPIRE, description="approve or expire"
    )
    sending_seconds: int = Field(
        default=14 * 86_400, description="from the approval until the goods have to be sent"
    )
    transit_seconds: int = Field(
        default=21 * 86_400, description="not received by then: staff looks for the parcel"
    )


class DisputeSettings(Section):
    reminders: tuple[int, ...] = Field(
        default=(7 * 86_400, 2 * 86_400, 86_400),
        description="JSON list: staff are reminded so many seconds before evidence is due",
    )


class SettlementSettings(Section):
    """When and with whose approval vendors are paid; limits in minor units of any currency."""

    every_seconds: int = Field(
        default=7 * 86_400, ge=60, description="how often all vendors are settled; a week"
    )
    automatic_amount: int = Field(
        default=0, ge=0, description="minor units; less than this is paid without approval"
    )
    two_person_amount: int = Field(
        default=1_000_000, ge=0, description="minor units; more than this two people approve"
    )
    reminder_seconds: int = Field(
        default=86_400, ge=60, description="how often people are reminded of what waits for them"
    )
    font_file: Path | None = Field(
        default=None, description="TrueType font of statements in PDF; unset means Latin-1 only"
    )


class OversightSettings(Section):
    """How long an order may be in one state before people are told; beyond what the state needs."""

    pending_seconds: int = Field(default=60, description="a checkout that is not decided by then")
    challenge_seconds: int = Field(
        default=60, description="a checkout after the deadline of its customer's bank"
    )
    confirmed_seconds: int = Field(
        default=300, description="an order after its handling time, not being shipped"
    )
    processing_seconds: int = Field(
        default=3 * 86_400, description="an order whose parcels have not all left"
    )
    shipped_seconds: int = Field(default=86_400, description="after the delivery deadline")
    delivered_seconds: int = Field(default=86_400, description="after the return window")
    cancel_seconds: int = Field(default=300, description="a cancellation that is under way")
    lost_seconds: int = Field(
        default=60, description="an unfinished order for which no workflow runs"
    )


class ReconciliationSettings(Section):
    every_seconds: int = Field(
        default=3600, ge=60, description="between two looks at a provider's books"
    )
    window_days: int = Field(
        default=7, ge=1, description="how far back each of them looks; what is open is never left"
    )
    grace_seconds: int = Field(
        default=900, ge=0, description="how long what is being worked on may differ"
    )

    @property
    def grace(self) -> timedelta:
        return timedelta(seconds=self.grace_seconds)


class TelemetrySettings(Section):
    otlp_endpoint: str | None = Field(default=None, description="OTLP over HTTP; unset means off")
    sample_ratio: float = Field(default=1.0, ge=0, le=1)
    log_level: str = "INFO"


class WorkerSettings(Section):
    metrics_host: str = Field(default="127.0.0.1", description="0.0.0.0 in a container")
    metrics_port: int = Field(default=0, description="Prometheus port of a worker; 0 is any")
    drain_seconds: int = Field(default=20, description="activities may finish after SIGTERM")


class Settings(BaseSettings):
    """The whole tree. Frozen: a process has one truth from start to end."""

    model_config = SettingsConfigDict(
        env_prefix="PERDURE_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        env_file=".env",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    environment: Environment = Environment.EMBEDDED
    secrets_from: SecretStore = Field(
        default=SecretStore.ENVIRONMENT, description="environment, files, vault or aws"
    )
    secrets_directory: Path = Field(
        default=Path("/run/secrets"), description="of the store `files`: one file for each setting"
    )
    vault: VaultSettings = VaultSettings()
    aws: AwsSettings = AwsSettings()
    postgres: PostgresSettings = PostgresSettings()
    redis: RedisSettings = RedisSettings()
    temporal: TemporalSettings = TemporalSettings()
    stripe: StripeSettings = StripeSettings()
    paystack: PaystackSettings = PaystackSettings()
    payments: PaymentSettings = PaymentSettings()
    carrier: CarrierSettings = CarrierSettings()
    auth: AuthSettings = AuthSettings()
    api: ApiSettings = ApiSettings()
    cart: CartSettings = CartSettings()
    checkout: CheckoutSettings = CheckoutSettings()
    stock: StockSettings = StockSettings()
    fulfillment: FulfillmentSettings = FulfillmentSettings()
    returns: ReturnSettings = ReturnSettings()
    disputes: DisputeSettings = DisputeSettings()
    settlement: SettlementSettings = SettlementSettings()
    oversight: OversightSettings = OversightSettings()
    reconciliation: ReconciliationSettings = ReconciliationSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    worker: WorkerSettings = WorkerSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The strongest first; ``file_secret_settings`` knows no sections and is not used."""
        del file_secret_settings
        before = (init_settings, env_settings)
        store = SecretStoreSource(settings_cls, *before, dotenv_settings)
        return *before, store, dotenv_settings

    @model_validator(mode="after")
    def _refuse_placeholders_in_production(self) -> Self:
        if self.environment is not Environment.PRODUCTION:
            return self
        secrets = {
            "PERDURE_CARRIER_API_KEY": self.carrier.api_key,
            "PERDURE_AUTH_JWT_KEY": self.auth.jwt_key,
            "PERDURE_AUTH_CURSOR_KEY": self.auth.cursor_key,
            "PERDURE_AUTH_TRACKING_KEY": self.auth.tracking_key,
        }
        if "stripe" in self.payments.providers:
            secrets["PERDURE_STRIPE_API_KEY"] = self.stripe.api_key
            secrets |= {
                f"PERDURE_STRIPE_WEBHOOK_SECRETS[{n}]": secret
                for n, secret in enumerate(self.stripe.webhook_secrets)
            }
        if "paystack" in self.payments.providers:
            secrets["PERDURE_PAYSTACK_SECRET_KEY"] = self.paystack.secret_key
            secrets |= {
                f"PERDURE_PAYSTACK_PREVIOUS_SECRET_KEYS[{n}]": secret
                for n, secret in enumerate(self.paystack.previous_secret_keys)
            }
        weak = [name for name, secret in secrets.items() if _is_weak(secret)]
        if self.carrier.webhook_secrets == CarrierSettings().webhook_secrets:
            weak.append("PERDURE_CARRIER_WEBHOOK_SECRETS")
        if weak:
            raise ValueError(f"production refuses placeholder or short secrets: {', '.join(weak)}")
        return self


MINIMUM_SECRET_LENGTH = 16


def _is_weak(secret: SecretStr) -> bool:
    value = secret.get_secret_value()
    return PLACEHOLDER in value or len(value) < MINIMUM_SECRET_LENGTH


@cache
def load_settings() -> Settings:
    """Settings of this process, read once."""
    return Settings()
