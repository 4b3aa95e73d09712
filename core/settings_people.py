"""How people sign in, and how their messages reach them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from core.section import PLACEHOLDER, Section


class AuthSettings(Section):
    jwt_key: SecretStr = SecretStr(f"{PLACEHOLDER}-signing-key-of-32-bytes-at-least")
    jwt_key_id: str = "embedded-1"
    previous_jwt_keys: dict[str, SecretStr] = Field(
        default_factory=dict, description="JSON object of key id to key, still accepted"
    )
    issuer: str = "perdure"
    access_token_seconds: int = 900
    refresh_token_seconds: int = 30 * 86_400
    failed_sign_in_seconds: float = Field(
        default=0.5, ge=0, description="a wrong password is answered no sooner, whoever is meant"
    )
    cursor_key: SecretStr = SecretStr(f"{PLACEHOLDER}-cursor-key-of-32-bytes-at-least")
    tracking_key: SecretStr = Field(
        default=SecretStr(f"{PLACEHOLDER}-tracking-key-of-32-bytes-at-least"),
        description="signs the tokens with which guests follow their orders",
    )
    encryption_keys: tuple[SecretStr, ...] = Field(
        default=(SecretStr("ZW1iZWRkZWQtcGxhY2Vob2xkZXItZW5jcnlwdGlvbiE="),),
        min_length=1,
        description="JSON list of Fernet keys: the first one writes, the others still read",
    )
    impersonation_seconds: int = Field(
        default=900, ge=60, le=3600, description="how long staff act as somebody, for support"
    )
    staff_totp_required: bool = Field(
        default=False, description="staff without an authenticator may do nothing but set one up"
    )
    totp_rate_limit: str = Field(
        default="5/5minutes", description="codes of an authenticator that are tried, per account"
    )
    one_time_key: SecretStr = Field(
        default=SecretStr(f"{PLACEHOLDER}-one-time-key-of-32-bytes-at-least"),
        description="makes the links and codes in messages; a new one ends those under way",
    )


class ThrottleSettings(Section):
    """Against guessing and flooding; counted in Redis, see ``api.sign_in_guard``."""

    free_tries: int = Field(
        default=10, ge=1, description="wrong passwords of an account before it is locked"
    )
    first_lock_seconds: int = Field(default=30, ge=1, description="each further lock is twice it")
    longest_lock_seconds: int = Field(default=3600, ge=1)
    forget_seconds: int = Field(
        default=86_400, ge=1, description="tries are forgotten so long after the first of them"
    )
    address_tries: int = Field(
        default=100, ge=1, description="failed tries of one address in ten minutes"
    )
    messages_per_recipient: int = Field(
        default=5, ge=1, description="in an hour; more requests are answered, and not sent"
    )
    messages_per_address: int = Field(
        default=100, ge=1, description="messages that one address may ask for in an hour"
    )


class EmailSettings(Section):
    host: str = "127.0.0.1"
    port: int = 18025
    security: Literal["none", "starttls", "tls"] = Field(
        default="none", description="none, starttls or tls"
    )
    username: str | None = None
    password: SecretStr | None = None
    sender: str = Field(
        default="Perdure <no-reply@perdure.localhost>", description="the From of every message"
    )
    link: str = Field(
        default="http://127.0.0.1:18080/account/{page}#token={token}",
        description="where the links in messages lead",
    )
    timeout_seconds: float = 20.0


class SmsSettings(Section):
    api_base: str = "http://127.0.0.1:18090/sms"
    api_key: SecretStr = SecretStr(f"sms_{PLACEHOLDER}")
    sender: str = "Perdure"
    countries: tuple[str, ...] = Field(
        default=(), description="JSON list of countries whose numbers get codes; [] means all"
    )
    timeout_seconds: float = 20.0


class GoogleSettings(Section):
    client_ids: tuple[str, ...] = Field(
        default=(f"{PLACEHOLDER}.apps.googleusercontent.com",),
        description="JSON list of our client ids at Google; an empty one turns it off",
    )
    jwks_url: str = Field(
        default="http://127.0.0.1:18090/google/certs",
        description="where Google's keys are: https://www.googleapis.com/oauth2/v3/certs",
    )
    longest_cache_seconds: int = Field(
        default=86_400, ge=0, description="keys are read again after that, whatever Google says"
    )
    timeout_seconds: float = 5.0


class PersonalSettings(Section):
    keep_orders_years: int = Field(
        default=10, ge=0, description="how long the law asks to keep what was bought"
    )
    export_seconds: int = Field(
        default=7 * 86_400, ge=60, description="how long a person's own data can be fetched"
    )
