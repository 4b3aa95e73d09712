"""The commands of ``perdure ops`` on open resources: they print, and return the exit code."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import typer
from rich.console import Console
from rich.markup import escape

from api.rendering import order_number
from api.staff_rendering import stuck_document
from core.domain.errors import DomainError
from core.resources import Resources, open_resources
from core.settings import load_settings
from deploy.cli.verify import leave
from deploy.local.errors import StackError
from deploy.ops import resets, steps
from deploy.ops.explain import explain, find_id
from deploy.ops.resets import Planned, Point, Selection
from models.repositories.oversight_views import WaitView
from workflows.messages import Action, Resolution

out = Console(highlight=False, soft_wrap=True)


def run(command: Callable[[Resources], Awaitable[int]]) -> None:
    """Run a command on the platform that the environment names, and leave with its exit code.

    Raises:
        StackError: the platform does not answer, or refuses.
    """

    async def with_resources() -> int:
        async with open_resources(load_settings()) as resources:
            return await command(resources)

    try:
        code = asyncio.run(with_resources())
    except DomainError as error:
        raise StackError(
            str(error), hint="See `perdure ops list` and `perdure ops explain`."
        ) from error
    leave(code)


async def list_stuck(
    resources: Resources, *, cause: str | None, older_than: timedelta, as_json: bool
) -> int:
    """Print the stuck orders, or their documents as the API has them."""
    found = await steps.find_stuck(resources, cause=cause, older_than=older_than)
    if as_json:
        documents = [stuck_document(one, resources.settings) for one in found]
        typer.echo(json.dumps(documents, default=_in_json, indent=2))
        return 0
    for one in found:
        out.print(f"{order_number(one.order.number)}  {one.order.id}  {one.order.status}")
        for reason in one.causes:
            out.print(f"    {reason.since:%Y-%m-%d %H:%M:%S}  {escape(reason.reason)}")
    out.print(f"{len(found)} orders do not go on." if found else "Nothing is stuck.")
    return 0


async def explain_order(resources: Resources, name: str) -> int:
    """Print one order in words."""
    for line in await explain(resources, name):
        out.print(escape(line))
    return 0


async def retry_all(resources: Resources, *, cause: str, reason: str, actor: str, yes: bool) -> int:
    """Try again what waits for one cause; exit code 1 when one did not take it."""
    waits = await steps.find_retriable(resources, cause)
    if not waits:
        out.print(f"Nothing waits for {cause!r}.")
        return 0
    if not yes:
        typer.confirm(f"Try {len(waits)} steps again?", abort=True)

    def report(wait: WaitView, outcome: str) -> None:
        out.print(f"{wait.order_id}  {escape(wait.what)}: {escape(outcome)}")

    took = await steps.retry_all(resources, waits, actor=actor, reason=reason, report=report)
    out.print(f"{took} of {len(waits)} are tried again.")
    return 0 if took == len(waits) else 1


async def resolve(
    resources: Resources, name: str, *, action: str, what: str, reason: str, actor: str
) -> int:
    """Decide about one order's step."""
    order_id = await find_id(resources, name)
    resolution = Resolution(actor=actor, reason=reason, action=Action(action), what=what)
    for told in await steps.resolve(resources, order_id, resolution):
        out.print(f"{order_id}  {escape(told.wait.what)}: {told.outcome}")
    return 0


async def reset(
    resources: Resources,
    *,
    workflow_type: str,
    build_id: str | None,
    since: datetime | None,
    to: str,
    reason: str,
    actor: str,
    yes: bool,
) -> int:
    """Say what a reset would do, and do it with ``yes``; exit code 1 when one failed."""
    selection = Selection(
        workflow_type=workflow_type, point=Point(to), since=since, build_id=build_id
    )
    planned = await resets.plan(resources, selection)
    for one in planned:
        out.print(
            f"{one.run.workflow_id}  back to its task of {one.at:%Y-%m-%d %H:%M:%S} UTC"
            f" (event {one.event_id})"
        )
    if not planned or not yes:
        hint = " Repeat with --yes to do it." if planned else ""
        out.print(f"{len(planned)} workflows would be reset.{hint}")
        return 0

    def report(of: Planned, outcome: str) -> None:
        out.print(f"{of.run.workflow_id}  {escape(outcome)}")

    done = await resets.carry_out(resources, planned, actor=actor, reason=reason, report=report)
    out.print(f"{done} of {len(planned)} workflows are reset.")
    return 0 if done == len(planned) else 1


def _in_json(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
