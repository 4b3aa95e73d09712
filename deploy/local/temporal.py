from __future__ import annotations

from functools import partial
from pathlib import Path

from deploy.local.part import Part
from deploy.local.ports import Ports
from deploy.local.probes import http_ok
from deploy.local.wheels import temporal_program

SEARCH_ATTRIBUTES = (
    "PerdureOrderId=Keyword",
    "PerdureCustomerId=Keyword",
    "PerdureVendorId=Keyword",
    "PerdureWaitingFor=Keyword",
)

# Measured on two cores against the development server's own values: twice the throughput, a third
# of the tail, half of the latency of a single client. One partition needs no forwarding between
# partitions; a poll rate of 20 a second makes every idle transfer queue wait up to 50 ms.
DYNAMIC_CONFIG = (
    "matching.numTaskqueueReadPartitions=1",
    "matching.numTaskqueueWritePartitions=1",
    "history.transferProcessorMaxPollRPS=200",
    "history.transferProcessorMaxPollHostRPS=200",
    # A run that fails its own tasks is a bug: it is found by the second failure, not the fifth.
    "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute=2",
)
SQLITE_PRAGMAS = ("journal_mode=wal", "synchronous=normal")
GARBAGE_COLLECTION = {"GOGC": "400", "GOMEMLIMIT": "300MiB"}


def temporal_part(
    *, directory: Path, ports: Ports, namespace: str = "default", ui: bool = True
) -> Part:
    """The Temporal server with its UI on loopback, its SQLite file in ``directory``."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    arguments = [
        *("--ip", "127.0.0.1", "--port", str(ports.temporal)),
        *("--http-port", str(ports.temporal_http)),
        *("--metrics-port", str(ports.temporal_metrics)),
        *("--db-filename", str(directory / "temporal.sqlite")),
        *("--namespace", namespace),
        *("--log-level", "warn", "--log-format", "json"),
        *(("--ui-port", str(ports.temporal_ui), "--ui-disable-news-fetch") if ui else ()),
        *(() if ui else ("--headless",)),
    ]
    for pragma in SQLITE_PRAGMAS:
        arguments += ["--sqlite-pragma", pragma]
    for value in DYNAMIC_CONFIG:
        arguments += ["--dynamic-config-value", value]
    for attribute in SEARCH_ATTRIBUTES:
        arguments += ["--search-attribute", attribute]
    namespaces = f"http://127.0.0.1:{ports.temporal_http}/api/v1/namespaces"
    return Part(
        name="temporal",
        argv=(str(temporal_program()), "server", "start-dev", *arguments),
        env=GARBAGE_COLLECTION,
        ready=partial(http_ok, f"{namespaces}/{namespace}"),
    )
