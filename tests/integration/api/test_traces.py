"""One trace from HTTP to SQL, continued from the caller's."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from deploy.local.addresses import Addresses, stack_environment

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
# In a process of its own: the tracer provider of a process is set once and for all.
SCRIPT = f"""
import asyncio, json, os, sys
import httpx
from opentelemetry import trace
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from api.app import create_app
from core.resources import open_resources
from core.settings import Settings
from core.telemetry import start_traces

async def main():
    settings = Settings(_env_file=None)
    start_traces(settings, service="api")
    spans = InMemorySpanExporter()
    trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(spans))
    async with open_resources(settings) as resources:
        transport = httpx.ASGITransport(app=create_app(settings, resources))
        async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
            parent = "00-{TRACE}-00f067aa0ba902b7-01"
            await client.get("/v1/products", headers={{"traceparent": parent}})
    found = [[s.name, format(s.context.trace_id, "032x")] for s in spans.get_finished_spans()]
    print(json.dumps(found), flush=True)
    os._exit(0)

asyncio.run(main())
"""


def test_request_and_its_statements_are_spans_of_the_callers_trace(stack: Addresses) -> None:
    run = subprocess.run(  # noqa: S603  # our own interpreter, fixed arguments
        [sys.executable, "-c", SCRIPT],
        env={
            **os.environ,
            **stack_environment(stack),
            "PERDURE_TELEMETRY_OTLP_ENDPOINT": "http://127.0.0.1:1",
        },
        capture_output=True,
        check=True,
        text=True,
    )

    spans = json.loads(run.stdout.splitlines()[-1])
    names = {name for name, _ in spans}
    assert {trace for _, trace in spans} == {TRACE}
    assert any(name.startswith("GET /v1/products") for name in names)
    assert any(name.startswith("SELECT") for name in names)
