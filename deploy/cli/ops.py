"""``perdure ops``, for the command line to register. Heavy imports stay inside the commands."""

from __future__ import annotations

import getpass
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import typer

from deploy.cli.data_dir import DEFAULT_DATA_DIR, DataDir, use_stack
from deploy.local.errors import StackError

ops = typer.Typer(
    help="Step in: what is stuck and why, tried again, decided, reset. All of it is audited.",
    no_args_is_help=True,
)

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
Cause = Annotated[
    str | None, typer.Option(help="Words of the step or of its last error, in any case.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Actor = Annotated[
    str | None, typer.Option(help="Who does it, for the audit log; the login without it.")
]
Reason = Annotated[str, typer.Option(help="Why, for the timeline and the audit log.")]


@ops.command("list")
def list_stuck(
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    cause: Cause = None,
    older_than: Annotated[
        str, typer.Option(help="Only what lasts longer: 30s, 10m, 2h, 1d.")
    ] = "0s",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List orders that do not go on, each with the reason in words."""
    age = duration(older_than)
    use_stack(data_dir)
    from deploy.ops import commands  # noqa: PLC0415  # heavy

    commands.run(lambda r: commands.list_stuck(r, cause=cause, older_than=age, as_json=as_json))


@ops.command()
def explain(order: str, *, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Explain one order in words: state, money, parcels, what it waits for, what one can do."""
    use_stack(data_dir)
    from deploy.ops import commands  # noqa: PLC0415  # heavy

    commands.run(lambda r: commands.explain_order(r, order))


@ops.command()
def retry(
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    cause: Annotated[str, typer.Option(help="Words of the step or of its last error.")],
    reason: Reason = "the cause is gone",
    actor: Actor = None,
    yes: Yes = False,
) -> None:
    """Try every step again that waits for one cause."""
    use_stack(data_dir)
    from deploy.ops import commands  # noqa: PLC0415  # heavy

    commands.run(
        lambda r: commands.retry_all(r, cause=cause, reason=reason, actor=who(actor), yes=yes)
    )


@ops.command()
def resolve(
    order: str,
    action: Literal["retry", "skip", "cancel", "refund"],
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    reason: Reason,
    what: Annotated[str, typer.Option(help="The step, when several wait.")] = "",
    actor: Actor = None,
) -> None:
    """Decide what becomes of one order's parked step."""
    use_stack(data_dir)
    from deploy.ops import commands  # noqa: PLC0415  # heavy

    commands.run(
        lambda r: commands.resolve(
            r, order, action=action, what=what, reason=reason, actor=who(actor)
        )
    )


@ops.command()
def reset(
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    workflow_type: Annotated[str, typer.Option(help="CheckoutWorkflow, ShipmentWorkflow …")],
    build_id: Annotated[
        str | None, typer.Option(help="To before the first task that this build completed.")
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(help="To before the first task completed since (UTC).")
    ] = None,
    to: Annotated[
        Literal["first", "last"],
        typer.Option(help="Which task failing runs do again, without --build-id and --since."),
    ] = "last",
    reason: Reason = "a bad release",
    actor: Actor = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it only say what.")] = False,
) -> None:
    """Reset the workflows that a bad release has hit; says only what it would do without --yes."""
    use_stack(data_dir)
    from deploy.ops import commands  # noqa: PLC0415  # heavy

    commands.run(
        lambda r: commands.reset(
            r,
            workflow_type=workflow_type,
            build_id=build_id,
            since=since.replace(tzinfo=UTC) if since else None,
            to=to,
            reason=reason,
            actor=who(actor),
            yes=yes,
        )
    )


def duration(words: str) -> timedelta:
    """Read ``30s``, ``10m``, ``2h``, ``1d``.

    Raises:
        StackError: it is none of these.
    """
    match = re.fullmatch(r"(\d{1,6})([smhd])", words.strip())
    if match is None:
        raise StackError(f"{words!r} is no duration", hint="Write 30s, 10m, 2h or 1d.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def who(actor: str | None) -> str:
    """Return the name under which the audit log has what is done here."""
    return actor or f"operator:{getpass.getuser()}"
