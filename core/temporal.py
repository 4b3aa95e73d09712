"""The Temporal client of a process."""

from __future__ import annotations

from pathlib import Path

from temporalio.client import Client
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.runtime import Runtime
from temporalio.service import TLSConfig

from core.settings import Settings, TemporalSettings


async def connect(
    settings: Settings, *, lazy: bool = False, runtime: Runtime | None = None
) -> Client:
    """Connect to the development server, a cluster with mTLS, or Temporal Cloud by API key.

    Args:
        settings: the whole tree; tracing is on when telemetry is.
        lazy: connect at the first call, so that a process starts while Temporal is down.
        runtime: carries the metrics of the SDK's core.
    """
    temporal = settings.temporal
    api_key = temporal.api_key.get_secret_value() if temporal.api_key else None
    return await Client.connect(
        temporal.address,
        namespace=temporal.namespace,
        api_key=api_key,
        tls=_tls(temporal),
        interceptors=[TracingInterceptor()] if settings.telemetry.otlp_endpoint else [],
        lazy=lazy,
        runtime=runtime,
    )


def _tls(temporal: TemporalSettings) -> TLSConfig | bool:
    certificate, key = temporal.tls_client_cert_file, temporal.tls_client_key_file
    if certificate or key or temporal.tls_server_ca_file:
        return TLSConfig(
            server_root_ca_cert=_read(temporal.tls_server_ca_file),
            client_cert=_read(certificate),
            client_private_key=_read(key),
        )
    return temporal.tls or temporal.api_key is not None


def _read(path: Path | None) -> bytes | None:
    return path.read_bytes() if path else None
