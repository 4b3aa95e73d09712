from __future__ import annotations

from pathlib import Path

from core.settings import Settings
from deploy.local.addresses import (
    addresses_of,
    environment_with_file,
    external_parts,
    local_addresses,
    stack_environment,
)
from deploy.local.ports import Ports


def test_default_ports_are_those_of_the_settings() -> None:
    settings = Settings(_env_file=None)
    assert stack_environment(local_addresses(Ports())) == {
        "PERDURE_POSTGRES_URL": settings.postgres.url.get_secret_value(),
        "PERDURE_REDIS_URL": settings.redis.url.get_secret_value(),
        "PERDURE_TEMPORAL_ADDRESS": settings.temporal.address,
        "PERDURE_TEMPORAL_NAMESPACE": settings.temporal.namespace,
        "PERDURE_TEMPORAL_UI_URL": settings.temporal.ui_url,
        "PERDURE_STRIPE_API_BASE": settings.stripe.api_base,
        "PERDURE_PAYSTACK_API_BASE": settings.paystack.api_base,
        "PERDURE_PAYMENTS_RETURN_URL": settings.payments.return_url,
        "PERDURE_CARRIER_API_BASE": settings.carrier.api_base,
        "PERDURE_EMAIL_HOST": settings.email.host,
        "PERDURE_EMAIL_PORT": str(settings.email.port),
        "PERDURE_EMAIL_LINK": settings.email.link,
        "PERDURE_SMS_API_BASE": settings.sms.api_base,
        "PERDURE_GOOGLE_JWKS_URL": settings.google.jwks_url,
        "PERDURE_API_HOST": settings.api.host,
        "PERDURE_API_PORT": str(settings.api.port),
        "PERDURE_API_PUBLIC_URL": settings.api.public_url,
    }


def test_address_in_the_environment_replaces_its_part() -> None:
    environ = {
        "PERDURE_POSTGRES_URL": "postgresql://db.example/shop",
        "PERDURE_TEMPORAL_ADDRESS": "shop.tmprl.cloud:7233",
        "PERDURE_TEMPORAL_NAMESPACE": "shop.acct",
    }
    addresses = addresses_of(Ports(), environ)

    assert external_parts(environ) == {"postgres", "temporal"}
    assert addresses.postgres_url == "postgresql://db.example/shop"
    assert addresses.temporal_address == "shop.tmprl.cloud:7233"
    assert addresses.temporal_namespace == "shop.acct"
    assert addresses.temporal_ui_url == ""
    assert addresses.redis_url == "redis://127.0.0.1:16379/0"


def test_sandbox_runs_until_all_of_its_services_are_elsewhere() -> None:
    stripe = {"PERDURE_STRIPE_API_BASE": "https://api.stripe.com"}
    all_of_them = stripe | {
        "PERDURE_PAYSTACK_API_BASE": "https://api.paystack.co",
        "PERDURE_CARRIER_API_BASE": "https://carrier.example",
        "PERDURE_EMAIL_HOST": "smtp.example",
        "PERDURE_SMS_API_BASE": "https://sms.example",
    }

    assert external_parts(stripe) == set()
    assert addresses_of(Ports(), stripe).carrier_api_base == "http://127.0.0.1:18090/carrier"
    assert external_parts(all_of_them) == {"sandbox"}
    assert addresses_of(Ports(), all_of_them).sandbox_url == ""


def test_environment_wins_over_the_file_and_empty_means_unset(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("PERDURE_REDIS_URL=redis://file\nPERDURE_POSTGRES_URL=\nPERDURE_API_PORT=1\n")

    merged = environment_with_file({"PERDURE_API_PORT": "2", "PERDURE_STRIPE_API_BASE": ""}, file)

    assert merged == {"PERDURE_REDIS_URL": "redis://file", "PERDURE_API_PORT": "2"}
