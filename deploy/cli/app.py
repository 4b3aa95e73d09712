from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from deploy.cli.console import out
from deploy.cli.data_dir import (
    DEFAULT_DATA_DIR,
    DataDir,
    directory_of,
    running_state,
    use_stack,
)
from deploy.cli.ops import Actor, ops, who
from deploy.local.data_directory import DataDirectory
from deploy.local.errors import StackError
from deploy.local.state import Phase

app = typer.Typer(
    name="perdure",
    help="Perdure on one machine: the whole platform, its workers and its tools.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

STOP_SECONDS = 60.0
PASS_THROUGH = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}

app.add_typer(ops, name="ops")


@app.command()
def up(
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    detach: Annotated[bool, typer.Option("--detach", help="Return when all is ready.")] = False,
    ports: Annotated[
        Literal["default", "auto"],
        typer.Option(help="auto: free ports where the usual ones are in use; remembered."),
    ] = "default",
    first_order: Annotated[bool, typer.Option(help="Place an order to prove it works.")] = True,
    quiet: Annotated[bool, typer.Option("--quiet", help="No summary when all is ready.")] = False,
) -> None:
    """Start the whole platform: servers, sandbox, workers, API."""
    from deploy.cli.up import UpOptions, up_detached, up_in_foreground  # noqa: PLC0415  # heavy

    options = UpOptions(
        directory=directory_of(data_dir),
        auto_ports=ports == "auto",
        first_order=first_order,
        quiet=quiet,
    )
    if detach:
        up_detached(options)
    else:
        up_in_foreground(options)


@app.command()
def status(
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show where everything is; exit code 1 when it does not run."""
    directory = directory_of(data_dir)
    state = running_state(directory)
    if state is None and as_json:
        out.print_json(json.dumps({"state": Phase.STOPPED}))
        raise typer.Exit(1)
    if state is None:
        raise _not_running(directory)
    if as_json:
        typer.echo(json.dumps(state.public(), indent=2))
        return
    from deploy.cli.summary import print_state  # noqa: PLC0415  # programs do not need it

    print_state(state)


@app.command()
def down(*, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Drain and stop a stack; its data is kept."""
    directory = directory_of(data_dir)
    state = running_state(directory)
    if state is None:
        out.print("Nothing runs.")
        return
    import psutil  # noqa: PLC0415  # only this command needs it

    supervisor = psutil.Process(state.supervisor_pid)
    supervisor.terminate()
    try:
        supervisor.wait(STOP_SECONDS)
    except psutil.TimeoutExpired:
        # The parts hang on the supervisor's life and end with it.
        supervisor.kill()
        supervisor.wait()
    out.print("Stopped. The data is kept.")


@app.command()
def reset(
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Wipe the data of a stopped stack."""
    directory = directory_of(data_dir)
    directory.require_ours()
    if not yes:
        typer.confirm(f"Delete all data in {directory.path}?", abort=True)
    directory.wipe()
    out.print(f"Wiped {directory.path}")


@app.command()
def logs(part: str, *, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Print the log of one part, `supervisor` among them."""
    directory = directory_of(data_dir)
    known = sorted(path.stem for path in directory.logs.glob("*.log"))
    if part not in known:
        raise StackError(
            f"There is no log of {part!r}", hint=f"There are: {', '.join(known) or 'none yet'}."
        )
    with (directory.logs / f"{part}.log").open("rb") as log:
        shutil.copyfileobj(log, sys.stdout.buffer)


@app.command()
def worker(
    *,
    queues: Annotated[str, typer.Option(help="Task queues, separated by commas.")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Run a worker for some task queues, on the running stack when there is one."""
    _become(data_dir, "workers", "--queues", queues)


@app.command()
def api(*, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Run the HTTP API alone."""
    _become(data_dir, "api")


@app.command(context_settings=PASS_THROUGH)
def sandbox(context: typer.Context) -> None:
    """Run the sandbox of the outside world alone; it explains its own options."""
    _become(DEFAULT_DATA_DIR, "deploy.sandbox", *context.args)


@app.command()
def migrate(*, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Bring the database to the newest schema."""
    use_stack(data_dir)
    from core.settings import load_settings  # noqa: PLC0415  # heavy
    from models.migrations import upgrade  # noqa: PLC0415  # heavy

    upgrade(load_settings().postgres.url.get_secret_value())
    out.print("The schema is the newest.")


@app.command()
def seed(*, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Write the demo shop and its accounts; what exists stays as it is."""
    use_stack(data_dir)
    import asyncio  # noqa: PLC0415  # heavy, as all here

    from core.settings import load_settings  # noqa: PLC0415
    from deploy.local.prepare_database import seed_demo_shop  # noqa: PLC0415

    asyncio.run(seed_demo_shop(load_settings().postgres))
    out.print("The demo shop is there.")


@app.command()
def verify(
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Check every invariant on the live platform; exit code 1 when one is broken."""
    use_stack(data_dir)
    from deploy.cli.verify import run_verify  # noqa: PLC0415  # heavy

    run_verify(as_json=as_json)


@app.command("migrate-v1-users")
def migrate_v1_users(
    file: Annotated[
        Path, typer.Argument(help="CSV with a header, or JSON lines.", exists=True, dir_okay=False)
    ],
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be.")] = False,
    report: Annotated[
        Path | None, typer.Option(help="A CSV file to write, with a row for each record.")
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="The country of numbers without one: GB, DE.")
    ] = None,
    actor: Actor = None,
) -> None:
    """Bring the old world's users and profiles over; safe to run again, goes on where it ended."""
    use_stack(data_dir)
    from deploy.cli.old_users import run_migration  # noqa: PLC0415  # heavy

    run_migration(file, report=report, dry_run=dry_run, region=region, actor=who(actor))


@app.command()
def reindex(
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    reason: Annotated[str, typer.Option(help="Why, for the log.")] = "asked for",
) -> None:
    """Rebuild the search index while people search in the old one; tell how far it is."""
    use_stack(data_dir)
    from deploy.cli.reindex import run_reindex  # noqa: PLC0415  # heavy

    run_reindex(reason)


@app.command()
def demo(
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    orders: Annotated[int, typer.Option(min=1, help="How many orders to place.")] = 50,
    concurrency: Annotated[int, typer.Option(min=1, help="How many at once.")] = 8,
    seed: Annotated[int, typer.Option(help="The same seed, the same mixture.")] = 1,
    story: Annotated[
        bool,
        typer.Option("--story", help="One order instead, whose life is not simple, in chapters."),
    ] = False,
) -> None:
    """Place real orders over HTTP, follow them to delivered, print outcomes and latencies."""
    use_stack(data_dir)
    from deploy.cli.demo import run_demo, run_story  # noqa: PLC0415  # heavy

    if story:
        run_story()
    run_demo(orders=orders, concurrency=concurrency, seed=seed)


def _not_running(directory: DataDirectory) -> StackError:
    return StackError(
        f"Perdure does not run in {directory.path}",
        hint="Start it with `perdure up`, or name another directory with --data-dir.",
    )


def _become(data_dir: Path, module: str, *arguments: str) -> None:
    """Replace this process: signals and the exit code are those of the module."""
    use_stack(data_dir)
    os.execv(sys.executable, [sys.executable, "-P", "-m", module, *arguments])  # noqa: S606  # ours
