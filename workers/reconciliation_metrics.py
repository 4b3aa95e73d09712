"""What reconciliations have come to, for Prometheus: as the database has it when it is asked."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from core.database import Database
from core.domain.errors import UnavailableError
from models.repositories import differences
from models.repositories.differences import Figures

OPEN = "reconciliation_open_differences"
OPEN_AMOUNT = "reconciliation_open_amount"
REPAIRED = "reconciliation_repaired"
AGE = "reconciliation_last_success_age_seconds"


class ReconciliationCollector(Collector):
    """The last figures that were read; nothing before the first reading.

    Every worker tells the same: an alert takes their maximum, never their sum.
    """

    def __init__(self) -> None:
        self._figures: Figures | None = None

    async def refresh(self, database: Database) -> None:
        """Read the figures; while the database is away the last ones stay."""
        try:
            self._figures = await differences.figures(database)
        except UnavailableError:
            return

    def collect(self) -> Iterable[Metric]:
        """Called by the registry for each scrape."""
        number = GaugeMetricFamily(
            OPEN,
            "Differences that nobody has put right yet.",
            labels=["provider", "kind"],
        )
        amount = GaugeMetricFamily(
            OPEN_AMOUNT,
            "What they come to, minor units, whatever their sign.",
            labels=["provider", "currency"],
        )
        repaired = CounterMetricFamily(
            REPAIRED,
            "Differences that are gone, by provider and kind.",
            labels=["provider", "kind"],
        )
        age = GaugeMetricFamily(AGE, "Since a reconciliation last ended well.", labels=["provider"])
        if self._figures is not None:
            for row in self._figures.open:
                number.add_metric([row["provider"], row["kind"]], row["number"])
            for row in self._figures.amounts:
                amount.add_metric([row["provider"], row["currency"]], row["amount"])
            for row in self._figures.repaired:
                repaired.add_metric([row["provider"], row["kind"]], row["number"])
            for row in self._figures.runs:
                age.add_metric([row["provider"]], row["age_seconds"])
        return [number, amount, repaired, age]


COLLECTOR = ReconciliationCollector()
REGISTRY.register(COLLECTOR)
