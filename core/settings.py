"""Every address, secret and limit of the platform, in one typed tree.

A value comes from the environment (``PERDURE_POSTGRES_URL`` sets ``postgres.url``), from a store of
secrets if there is one (``core.secret_stores``), from a ``.env`` file, or from the default below,
which fits the embedded stack. ``.env.example`` lists them all.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from core.secret_stores import AwsSettings, SecretStore, VaultSettings
from core.section import PLACEHOLDER, Section
from core.settings_jobs import JobSettings
from core.settings_objects import (
    CloudinarySettings,
    MediaSettings,
    ObjectSettings,
    ObjectStoreKind,
    S3Settings,
)
from core.settings_payments import PaymentSettings
from core.settings_people import (
    AuthSettings,
    EmailSettings,
    GoogleSettings,
    PersonalSettings,
    SmsSettings,
    ThrottleSettings,
)
from core.settings_search import MeilisearchSettings, SearchBackend, SearchSettings
from core.settings_sources import SecretStoreSource
from core.settings_trade import (
    CartSettings,
    CheckoutSettings,
    DisputeSettings,
    FulfillmentSettings,
    OversightSettings,
    ReconciliationSettings,
    ReturnSettings,
    SettlementSettings,
    StockSettings,
)


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
    url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:16379/0"),
        description="also redis+sentinel://host,host/service and redis+cluster://host,host",
    )
    timeout_seconds: float = Field(default=0.25, description="slower than this counts as down")
    sentinel_password: SecretStr | None = Field(
        default=None, description="of the Sentinels; that of the servers is in the address"
    )


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
    key_rate_limit: str = Field(default="1000/second", description="per API key")
    login_rate_limit: str = Field(default="1000/second", description="per address, for /v1/auth")
    read_cache_seconds: float = Field(
        default=2.0, ge=0, le=60, description="age of an anonymous answer; 0 keeps none"
    )
    max_body_bytes: int = 1024 * 1024
    max_cart_lines: int = 100
    max_quantity: int = 10_000
    sse_poll_seconds: float = 0.5
    sse_heartbeat_seconds: float = 15.0
    trusted_proxies: tuple[str, ...] = Field(
        default=(), description="JSON list of addresses whose X-Forwarded-For is believed"
    )


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
    objects: ObjectSettings = ObjectSettings()
    s3: S3Settings = S3Settings()
    cloudinary: CloudinarySettings = CloudinarySettings()
    media: MediaSettings = MediaSettings()
    jobs: JobSettings = JobSettings()
    auth: AuthSettings = AuthSettings()
    throttle: ThrottleSettings = ThrottleSettings()
    personal: PersonalSettings = PersonalSettings()
    email: EmailSettings = EmailSettings()
    sms: SmsSettings = SmsSettings()
    google: GoogleSettings = GoogleSettings()
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
    search: SearchSettings = SearchSettings()
    meilisearch: MeilisearchSettings = MeilisearchSettings()
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
        secrets = self._own_secrets() | self._secrets_of_others()
        weak = [name for name, secret in secrets.items() if _is_weak(secret)]
        if self.carrier.webhook_secrets == CarrierSettings().webhook_secrets:
            weak.append("PERDURE_CARRIER_WEBHOOK_SECRETS")
        if set(AuthSettings().encryption_keys) & set(self.auth.encryption_keys):
            weak.append("PERDURE_AUTH_ENCRYPTION_KEYS")
        if any(PLACEHOLDER in client_id for client_id in self.google.client_ids):
            weak.append("PERDURE_GOOGLE_CLIENT_IDS")
        if weak:
            raise ValueError(f"production refuses placeholder or short secrets: {', '.join(weak)}")
        return self

    def _own_secrets(self) -> dict[str, SecretStr]:
        secrets = {
            "PERDURE_CARRIER_API_KEY": self.carrier.api_key,
            "PERDURE_AUTH_JWT_KEY": self.auth.jwt_key,
            "PERDURE_AUTH_CURSOR_KEY": self.auth.cursor_key,
            "PERDURE_AUTH_TRACKING_KEY": self.auth.tracking_key,
            "PERDURE_AUTH_ONE_TIME_KEY": self.auth.one_time_key,
            "PERDURE_SMS_API_KEY": self.sms.api_key,
        }
        if self.objects.store is ObjectStoreKind.LOCAL:
            secrets["PERDURE_OBJECTS_SIGNING_KEY"] = self.objects.signing_key
        return secrets

    def _secrets_of_others(self) -> dict[str, SecretStr]:
        """Of the providers and stores that are in use."""
        secrets: dict[str, SecretStr] = {}
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
        if self.search.backend is SearchBackend.MEILISEARCH:
            secrets["PERDURE_MEILISEARCH_API_KEY"] = self.meilisearch.api_key
        if self.objects.store is ObjectStoreKind.CLOUDINARY:
            secrets["PERDURE_CLOUDINARY_API_SECRET"] = self.cloudinary.api_secret
        return secrets


MINIMUM_SECRET_LENGTH = 16


def _is_weak(secret: SecretStr) -> bool:
    value = secret.get_secret_value()
    return PLACEHOLDER in value or len(value) < MINIMUM_SECRET_LENGTH


@cache
def load_settings() -> Settings:
    """Settings of this process, read once."""
    return Settings()
