"""How the command line talks: colored and moving on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner
from rich.table import Table

from deploy.local.errors import StackError
from deploy.local.part import PartEvent, PartPhase

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def print_error(error: StackError) -> None:
    """One clear line, the last words of the part when it has some, and a hint."""
    for line in error.log_lines:
        err.print(f"  {escape(line)}", style="dim", soft_wrap=True)
    err.print(f"[red]Error:[/red] {escape(error.line)}", soft_wrap=True)
    err.print(f"[yellow]Hint:[/yellow]  {escape(error.hint)}", soft_wrap=True)


class Progress:
    """Shows the parts as they start, and says so in a line when one dies later."""

    def __init__(self, console: Console = out) -> None:
        self._console = console
        self._last: dict[str, PartEvent | None] = {}
        self._live: Live | None = None

    def begin(self, names: Iterable[str] = ()) -> None:
        """Show a moving table on a terminal, beginning with these parts, until :meth:`end`."""
        self._last = dict.fromkeys(names)
        if self._console.is_terminal:
            self._live = Live(self._table(), console=self._console, transient=True)
            self._live.start()

    def end(self) -> None:
        """Leave the table as it is now; events are lines from here on."""
        if self._live is not None:
            self._live.stop()
            self._live = None
            self._console.print(self._table())

    def show(self, event: PartEvent) -> None:
        if self._live is None or event.phase is PartPhase.DIED:
            self._console.print(_line(event), soft_wrap=True)
        if self._live is not None:
            self._last[event.part] = event
            self._live.update(self._table())

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for name, event in self._last.items():
            if event is None:
                table.add_row("[dim]·[/dim]", name, "[dim]waiting[/dim]")
            elif event.phase is PartPhase.READY:
                table.add_row("[green]✓[/green]", name, f"ready in {event.seconds:.1f} s")
            elif event.phase is PartPhase.DIED:
                table.add_row("[red]✗[/red]", name, event.detail)
            else:
                table.add_row(Spinner("dots"), name, event.phase)
        return table


def _line(event: PartEvent) -> str:
    name = f"{event.part:<16}"
    match event.phase:
        case PartPhase.READY:
            return f"{name} ready in {event.seconds:.1f} s"
        case PartPhase.DIED:
            return f"[red]{name}[/red] {escape(event.detail)}"
        case PartPhase.STARTING | PartPhase.STOPPING | PartPhase.STOPPED:
            return f"{name} {event.phase}"
    assert_never(event.phase)
