"""What a run of the demo amounted to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from deploy.demo.journey import Journey

PERCENTILES = (50, 95, 99)
SHOWN_SURPRISES = 10


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that at least ``percent`` of 100 values do not exceed.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(rank, 1) - 1]


def print_figures(journeys: Sequence[Journey], *, placing_seconds: float, console: Console) -> None:
    """Outcomes by scenario, then latencies, then what should not have happened."""
    console.print(_outcomes(journeys))
    console.print(_latencies(journeys))
    console.print(
        f"{len(journeys)} orders placed in {placing_seconds:.1f} s"
        f" ({len(journeys) / placing_seconds:.1f} a second)"
    )
    surprises = [journey for journey in journeys if not journey.is_possible]
    for journey in surprises[:SHOWN_SURPRISES]:
        console.print(
            f"[red]Not possible:[/red] {journey.errand.scenario.name} ended as"
            f" {journey.outcome} ({journey.order_id or 'no order'})",
            soft_wrap=True,
        )


def _outcomes(journeys: Sequence[Journey]) -> Table:
    counts = Counter((journey.errand.scenario, journey.outcome) for journey in journeys)
    table = Table(title="Outcomes", title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("scenario")
    table.add_column("expected")
    table.add_column("got")
    table.add_column("orders", justify="right")
    table.add_column("")
    for (scenario, outcome), count in sorted(
        counts.items(), key=lambda item: (-item[0][0].weight, item[0][0].name, item[0][1])
    ):
        is_right = outcome in scenario.possible
        table.add_row(
            scenario.name,
            " or ".join(sorted(scenario.possible)),
            outcome,
            str(count),
            "[green]✓[/green]" if is_right else "[red]✗[/red]",
        )
    return table


def _latencies(journeys: Sequence[Journey]) -> Table:
    table = Table(title="Latencies", title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    for percent in PERCENTILES:
        table.add_column(f"p{percent}", justify="right")
    answers = [journey.answer_seconds for journey in journeys]
    delivered = [
        journey.delivered_seconds for journey in journeys if journey.delivered_seconds is not None
    ]
    if answers:
        table.add_row(
            "answer of the checkout",
            *(f"{1000 * percentile(answers, p):.0f} ms" for p in PERCENTILES),
        )
    if delivered:
        table.add_row(
            "cart to delivered", *(f"{percentile(delivered, p):.1f} s" for p in PERCENTILES)
        )
    return table
