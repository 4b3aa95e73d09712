"""Where each part of the stack answers: on a local port, or where the environment says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values

from deploy.local.ports import LOOPBACK, Ports
from deploy.local.postgres import local_url

ENV_FILE = Path(".env")


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Addresses as other processes use them. An empty one is not known: its part runs elsewhere.

    ``api_url`` is where this machine finds the API, ``api_public_url`` where its clients do;
    ``api_host`` is the interface it listens on.
    """

    api_url: str
    api_host: str
    api_public_url: str
    postgres_url: str
    redis_url: str
    temporal_address: str
    temporal_namespace: str
    temporal_ui_url: str
    sandbox_url: str
    stripe_api_base: str
    paystack_api_base: str
    carrier_api_base: str
    email_host: str
    email_port: str
    sms_api_base: str
    google_jwks_url: str


def local_addresses(ports: Ports) -> Addresses:
    """The addresses of a stack whose parts are all local."""
    return addresses_of(ports, {})


def addresses_of(ports: Ports, environ: Mapping[str, str]) -> Addresses:
    """The addresses of a stack in which the variables of ``environ`` replace local parts."""
    sandbox_url = _http(ports.sandbox)
    external_temporal = "PERDURE_TEMPORAL_ADDRESS" in environ
    return Addresses(
        api_url=_http(ports.api),
        api_host=environ.get("PERDURE_API_HOST", LOOPBACK),
        api_public_url=environ.get("PERDURE_API_PUBLIC_URL", _http(ports.api)),
        postgres_url=environ.get("PERDURE_POSTGRES_URL", local_url(ports.postgres)),
        redis_url=environ.get("PERDURE_REDIS_URL", f"redis://{LOOPBACK}:{ports.valkey}/0"),
        temporal_address=environ.get("PERDURE_TEMPORAL_ADDRESS", f"{LOOPBACK}:{ports.temporal}"),
        temporal_namespace=environ.get("PERDURE_TEMPORAL_NAMESPACE", "default"),
        temporal_ui_url=environ.get(
            "PERDURE_TEMPORAL_UI_URL", "" if external_temporal else _http(ports.temporal_ui)
        ),
        sandbox_url="" if "sandbox" in external_parts(environ) else sandbox_url,
        stripe_api_base=environ.get("PERDURE_STRIPE_API_BASE", f"{sandbox_url}/stripe"),
        paystack_api_base=environ.get("PERDURE_PAYSTACK_API_BASE", f"{sandbox_url}/paystack"),
        carrier_api_base=environ.get("PERDURE_CARRIER_API_BASE", f"{sandbox_url}/carrier"),
        email_host=environ.get("PERDURE_EMAIL_HOST", LOOPBACK),
        email_port=environ.get("PERDURE_EMAIL_PORT", str(ports.smtp)),
        sms_api_base=environ.get("PERDURE_SMS_API_BASE", f"{sandbox_url}/sms"),
        google_jwks_url=environ.get("PERDURE_GOOGLE_JWKS_URL", f"{sandbox_url}/google/certs"),
    )


def external_parts(environ: Mapping[str, str]) -> frozenset[str]:
    """The parts that are not started here because the environment has their addresses."""
    replaced_by = {
        "postgres": {"PERDURE_POSTGRES_URL"},
        "valkey": {"PERDURE_REDIS_URL"},
        "temporal": {"PERDURE_TEMPORAL_ADDRESS"},
        "sandbox": {
            "PERDURE_STRIPE_API_BASE",
            "PERDURE_PAYSTACK_API_BASE",
            "PERDURE_CARRIER_API_BASE",
            "PERDURE_EMAIL_HOST",
            "PERDURE_SMS_API_BASE",
        },
    }
    return frozenset(part for part, names in replaced_by.items() if names <= environ.keys())


def environment_with_file(environ: Mapping[str, str], file: Path = ENV_FILE) -> dict[str, str]:
    """``environ`` over the ``.env`` file, as ``core.settings`` reads them; empty means unset."""
    from_file = {name: value for name, value in dotenv_values(file).items() if value}
    return from_file | {name: value for name, value in environ.items() if value}


def stack_environment(addresses: Addresses) -> dict[str, str]:
    """The variables that make a process of the platform use this stack."""
    return {
        "PERDURE_POSTGRES_URL": addresses.postgres_url,
        "PERDURE_REDIS_URL": addresses.redis_url,
        "PERDURE_TEMPORAL_ADDRESS": addresses.temporal_address,
        "PERDURE_TEMPORAL_NAMESPACE": addresses.temporal_namespace,
        "PERDURE_TEMPORAL_UI_URL": addresses.temporal_ui_url,
        "PERDURE_STRIPE_API_BASE": addresses.stripe_api_base,
        "PERDURE_PAYSTACK_API_BASE": addresses.paystack_api_base,
        "PERDURE_PAYMENTS_RETURN_URL": f"{addresses.api_public_url}/v1/orders/{{order_id}}",
        "PERDURE_CARRIER_API_BASE": addresses.carrier_api_base,
        "PERDURE_EMAIL_HOST": addresses.email_host,
        "PERDURE_EMAIL_PORT": addresses.email_port,
        "PERDURE_EMAIL_LINK": f"{addresses.api_public_url}/account/{{page}}#token={{token}}",
        "PERDURE_SMS_API_BASE": addresses.sms_api_base,
        "PERDURE_GOOGLE_JWKS_URL": addresses.google_jwks_url,
        "PERDURE_API_HOST": addresses.api_host,
        "PERDURE_API_PORT": str(urlsplit(addresses.api_url).port),
        "PERDURE_API_PUBLIC_URL": addresses.api_public_url,
    }


def _http(port: int) -> str:
    return f"http://{LOOPBACK}:{port}"
