"""The whole platform, one entry for each part."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from functools import partial

from deploy.local.addresses import Addresses, stack_environment
from deploy.local.data_directory import DataDirectory
from deploy.local.part import Part
from deploy.local.ports import LOOPBACK, Ports
from deploy.local.postgres import postgres_part
from deploy.local.probes import http_ok
from deploy.local.sandbox import sandbox_part
from deploy.local.temporal import temporal_part
from deploy.local.valkey import valkey_part

CHECKOUTS_AT_ONCE = "8"
"""All parts share one small machine: more at once would only make each of them slower."""

WORKERS = {
    "worker-orders": "checkout,inventory,fulfillment",
    "worker-payments": "payments,maintenance,catalogue,notifications,search",
}
"""Worker processes and their task queues: a slow provider must not hold up the orders."""

DRAIN_SECONDS = 25.0
"""More than ``core.settings.WorkerSettings.drain_seconds``, so that a drain ends by itself."""


IMPORT_SECONDS = 120.0
"""Three processes import the same large libraries at once; a busy machine may take this long."""


@dataclass(frozen=True, kw_only=True)
class StackPlan:
    """What is started where.

    ``external`` names the parts that run elsewhere. ``after_crash`` says that the last supervisor
    did not stop its parts itself.
    """

    directory: DataDirectory
    ports: Ports
    addresses: Addresses
    external: frozenset[str] = field(default_factory=frozenset)
    after_crash: bool = False

    @property
    def worker_ports(self) -> dict[str, int]:
        return {
            "worker-orders": self.ports.worker_orders,
            "worker-payments": self.ports.worker_payments,
        }


def stack_parts(plan: StackPlan) -> tuple[Part, ...]:
    """Every part that this machine shall run; the supervisor orders them by dependency."""
    directory, ports = plan.directory, plan.ports
    builders = {
        "postgres": partial(
            postgres_part,
            directory=directory.path / "postgres",
            port=ports.postgres,
            logs=directory.logs,
        ),
        "valkey": partial(valkey_part, directory=directory.path / "valkey", port=ports.valkey),
        "temporal": partial(
            temporal_part,
            directory=directory.path / "temporal",
            ports=ports,
            namespace=plan.addresses.temporal_namespace,
        ),
        "sandbox": partial(
            sandbox_part,
            data_dir=directory.path,
            port=ports.sandbox,
            smtp_port=ports.smtp,
            addresses=plan.addresses,
        ),
        "database": partial(_database_part, plan),
        **{name: partial(_worker_part, plan, name) for name in WORKERS},
        "api": partial(_api_part, plan),
    }
    names = builders.keys() - plan.external
    return tuple(build() for name, build in builders.items() if name in names)


def port_names(names: frozenset[str]) -> tuple[str, ...]:
    """The ports that the parts of these names listen on."""
    own = {
        "temporal": ("temporal", "temporal_ui", "temporal_http", "temporal_metrics"),
        "sandbox": ("sandbox", "smtp"),
    }
    silent = {"database"}
    listening = sorted(names - silent)
    return tuple(port for name in listening for port in own.get(name, (name.replace("-", "_"),)))


def metrics_urls(plan: StackPlan, names: frozenset[str]) -> tuple[str, ...]:
    """Prometheus addresses of the parts of these names."""
    ports = {
        "api": plan.ports.api,
        **plan.worker_ports,
        "temporal": plan.ports.temporal_metrics,
    }
    return tuple(
        f"http://{LOOPBACK}:{port}/metrics" for name, port in ports.items() if name in names
    )


def _database_part(plan: StackPlan) -> Part:
    return Part(
        name="database",
        argv=_module("deploy.local.prepare_database", str(plan.directory.demo_file)),
        env=stack_environment(plan.addresses),
        depends_on=("postgres",),
        one_shot=True,
    )


def _worker_part(plan: StackPlan, name: str) -> Part:
    port = plan.worker_ports[name]
    return _platform_part(
        plan,
        name=name,
        argv=_module("workers", "--queues", WORKERS[name]),
        env={"PERDURE_WORKER_METRICS_PORT": str(port)},
        port=port,
    )


def _api_part(plan: StackPlan) -> Part:
    at_once = os.environ.get("PERDURE_API_CHECKOUTS_AT_ONCE", CHECKOUTS_AT_ONCE)
    return _platform_part(
        plan,
        name="api",
        argv=_module("api"),
        env={"PERDURE_API_CHECKOUTS_AT_ONCE": at_once},
        port=plan.ports.api,
    )


def _platform_part(
    plan: StackPlan, *, name: str, argv: tuple[str, ...], env: dict[str, str], port: int
) -> Part:
    return Part(
        name=name,
        argv=argv,
        env=stack_environment(plan.addresses) | _objects_environment(plan) | env,
        ready=partial(http_ok, f"http://{LOOPBACK}:{port}/readyz"),
        ready_seconds=IMPORT_SECONDS,
        grace_seconds=DRAIN_SECONDS,
        depends_on=("database", "valkey", "temporal", "sandbox"),
    )


def _objects_environment(plan: StackPlan) -> dict[str, str]:
    name = "PERDURE_OBJECTS_DIRECTORY"
    return {name: os.environ.get(name, str(plan.directory.path / "objects"))}


def _module(name: str, *arguments: str) -> tuple[str, ...]:
    # -P: a folder called api in the current directory must not take the place of ours.
    return (sys.executable, "-P", "-m", name, *arguments)
