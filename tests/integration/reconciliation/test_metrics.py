"""What Prometheus is told of differences."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from core.domain.ids import Prefix, new_id
from core.domain.reconciliation import DifferenceKind, RepairKind
from core.domain.reconciliation_pictures import Finding
from models.repositories import differences, reconciliations
from tests.integration.reconciliation.conftest import World
from workers.reconciliation_metrics import ReconciliationCollector


async def test_open_differences_are_counted_by_kind_and_summed_by_currency(world: World) -> None:
    collector = ReconciliationCollector()
    registry = CollectorRegistry()
    registry.register(collector)
    labels = {"provider": "paystack", "kind": "balance"}
    assert registry.get_sample_value("reconciliation_open_differences", labels) is None
    database = world.platform.shop.database
    async with database.transaction() as session:
        run = await reconciliations.begin(session, "paystack", days=7)
        await differences.note(
            session,
            provider="paystack",
            run_id=run.id,
            findings=[
                Finding(
                    kind=DifferenceKind.BALANCE,
                    subject=currency,
                    repair=RepairKind.BOOK_ADJUSTMENT,
                    currency=currency,
                    amount=amount,
                )
                for currency, amount in (("NGN", -500), ("GHS", 20))
            ]
            + [
                Finding(
                    kind=DifferenceKind.MISSED_EVENT,
                    subject=new_id(Prefix.EVENT),
                    repair=RepairKind.DRIVE_EVENT,
                )
            ],
        )
        (ghs, *_) = await differences.page_of(
            session, before=None, status=None, kind="missed_event", provider="paystack", limit=1
        )
        await differences.close(session, ghs, differences.REPAIRED)

    await collector.refresh(database)

    assert registry.get_sample_value("reconciliation_open_differences", labels) == 2
    ngn = {"provider": "paystack", "currency": "NGN"}
    assert registry.get_sample_value("reconciliation_open_amount", ngn) == 500
    repaired = {"provider": "paystack", "kind": "missed_event"}
    assert registry.get_sample_value("reconciliation_repaired_total", repaired) == 1
    age = registry.get_sample_value(
        "reconciliation_last_success_age_seconds", {"provider": "paystack"}
    )
    assert age is not None
    assert age < 60
