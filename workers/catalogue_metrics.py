"""How far the readers of the catalogue are behind it, for Prometheus: asked of the database.

Whether or not anybody follows, every worker tells the same: an alert takes the maximum.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from core.database import Database
from core.domain.errors import UnavailableError
from models.repositories import outbox_reader
from workflows.ports.catalogue_sync import Consumer

BEHIND = "catalogue_sync_behind_seconds"


class CatalogueCollector(Collector):
    """The last figures that were read; nothing before the first reading."""

    def __init__(self) -> None:
        self._behind: Mapping[Consumer, float] = {}

    async def refresh(self, database: Database) -> None:
        """Read the figures; while the database is away the last ones stay."""
        try:
            self._behind = {
                consumer: await outbox_reader.seconds_behind(database, consumer)
                for consumer in Consumer
            }
        except UnavailableError:
            return

    def collect(self) -> Iterable[Metric]:
        """Called by the registry for each scrape."""
        behind = GaugeMetricFamily(
            BEHIND,
            "Age of the oldest event that the consumer has not dealt with.",
            labels=["consumer"],
        )
        for consumer, seconds in self._behind.items():
            behind.add_metric([consumer], seconds)
        return [behind]


COLLECTOR = CatalogueCollector()
REGISTRY.register(COLLECTOR)
