"""What a person wants to see when the stack is up: where things are, who to be, what to try."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table

from deploy.cli.console import out, print_error
from deploy.local.errors import StackError
from deploy.local.state import StackState


async def print_summary(state: StackState, *, first_order: bool) -> None:
    """Print addresses, demo accounts, a checkout to paste, and the first order's timeline."""
    _print_addresses(state)
    if "api" not in state.pids or "customer" not in state.demo:
        return
    _print_accounts(state.demo)
    from deploy.local.first_order import (  # noqa: PLC0415  # httpx loads while the API starts
        api_client,
        place_first_order,
        sign_in,
    )

    api_url = state.addresses.api_url
    try:
        async with api_client(api_url) as client:
            shopper = await sign_in(client, state.demo["customer"])
            curl = curl_of_checkout(api_url, shopper.access_token, shopper.checkout)
            out.print("\n[bold]Place an order[/bold]")
            out.print(curl, markup=False, soft_wrap=True)
            if first_order:
                placed = await place_first_order(client, shopper)
                _print_timeline(placed.order, placed.timeline)
    except StackError as error:
        print_error(error)


def curl_of_checkout(api_url: str, access_token: str, checkout: Mapping[str, Any]) -> str:
    """A command line that places an order; each print has a key of its own."""
    body = json.dumps(checkout, separators=(",", ":")).replace("'", "'\\''")
    return (
        f"curl -sS {api_url}/v1/checkouts \\\n"
        f"  -H 'Authorization: Bearer {access_token}' \\\n"
        f"  -H 'Idempotency-Key: try-{uuid.uuid4()}' \\\n"
        f"  -H 'Content-Type: application/json' \\\n"
        f"  -d '{body}'"
    )


def addresses_of(state: StackState) -> dict[str, str]:
    """Names and addresses of what runs, for people."""
    known = state.addresses
    api = {"API": known.api_url, "API documentation": f"{known.api_url}/docs"}
    rows = {
        **(api if "api" in state.pids else {}),
        "Temporal UI": known.temporal_ui_url,
        "Temporal": known.temporal_address,
        "PostgreSQL": known.postgres_url,
        "Valkey": known.redis_url,
        **({"Sandbox": known.sandbox_url} if "sandbox" in state.pids else {}),
    }
    return {name: address for name, address in rows.items() if address}


def print_state(state: StackState) -> None:
    """The answer of ``perdure status`` for people."""
    out.print(f"Perdure is {state.state}.")
    _print_addresses(state)
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, event in state.parts.items():
        pid = state.pids.get(name)
        table.add_row(f"[bold]{name}[/bold]", event.phase, f"pid {pid}" if pid else "")
    out.print()
    out.print(table)


def _print_addresses(state: StackState) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, address in addresses_of(state).items():
        table.add_row(f"[bold]{name}[/bold]", escape(address))
    out.print()
    out.print(table, soft_wrap=True)


def _print_accounts(demo: Mapping[str, Mapping[str, str]]) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for role, account in demo.items():
        table.add_row(f"[bold]{role}[/bold]", account["email"], account["password"])
    out.print("\n[bold]Demo accounts[/bold]")
    out.print(table, soft_wrap=True)


def _print_timeline(order: Mapping[str, Any], timeline: list[dict[str, Any]]) -> None:
    total = order["total"]
    out.print(
        f"\n[bold]First order[/bold] {order['number']} is {order['status']}"
        f" ({total['amount']} minor units of {total['currency']})"
    )
    for entry in timeline:
        out.print(f"  {entry['at']}  {escape(entry['title'])}", soft_wrap=True)
