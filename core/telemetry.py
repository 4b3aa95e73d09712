"""OpenTelemetry traces, when ``telemetry.otlp_endpoint`` is set; nothing is loaded otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from core.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine


def start_traces(settings: Settings, *, service: str) -> Callable[[], None]:
    """Send spans of this process to the collector.

    Args:
        settings: the endpoint (OTLP over HTTP) and the share of traces that is kept.
        service: the name of this process in the traces.

    Returns:
        What flushes and stops it; does nothing when tracing is off.
    """
    telemetry = settings.telemetry
    if not telemetry.otlp_endpoint:
        return lambda: None
    # Loading the SDK costs memory and start-up time, so only those who trace pay for it.
    from opentelemetry import trace  # noqa: PLC0415
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio  # noqa: PLC0415

    provider = TracerProvider(
        resource=Resource.create({"service.name": f"perdure-{service}"}),
        sampler=ParentBasedTraceIdRatio(telemetry.sample_ratio),
    )
    endpoint = telemetry.otlp_endpoint.rstrip("/")
    if not endpoint.endswith("/v1/traces"):
        endpoint += "/v1/traces"
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    trace.set_tracer_provider(provider)
    return provider.shutdown


def trace_statements(engine: AsyncEngine, settings: Settings) -> None:
    """Make a span of every SQL statement of an engine; a no-op when tracing is off."""
    if not settings.telemetry.otlp_endpoint:
        return
    # As above: only those who trace load it.
    from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor  # noqa: PLC0415

    # Its range ends below SQLAlchemy 2.1, whose events and engine are the same; a test proves it.
    SQLAlchemyInstrumentor().instrument(engine=engine.sync_engine, skip_dep_check=True)
