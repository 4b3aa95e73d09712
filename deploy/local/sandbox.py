from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from deploy.local.addresses import Addresses
from deploy.local.part import Part
from deploy.local.ports import LOOPBACK
from deploy.local.probes import http_ok


def sandbox_part(*, data_dir: Path, port: int, smtp_port: int | None, addresses: Addresses) -> Part:
    """The outside world on loopback; it keeps its state in a file of ``data_dir``.

    It takes mail when it has an ``smtp_port``.
    """
    mail = () if smtp_port is None else ("--smtp-port", str(smtp_port))
    webhooks = f"{addresses.api_url}/v1/webhooks"
    return Part(
        name="sandbox",
        argv=(
            *(sys.executable, "-P", "-m", "deploy.sandbox"),
            *("--host", LOOPBACK, "--port", str(port)),
            *mail,
            *("--data", str(data_dir / "sandbox.sqlite")),
            *("--stripe-webhook-url", f"{webhooks}/stripe"),
            *("--paystack-webhook-url", f"{webhooks}/paystack"),
            *("--carrier-webhook-url", f"{webhooks}/carrier"),
        ),
        ready=partial(http_ok, f"http://{LOOPBACK}:{port}/healthz"),
    )
