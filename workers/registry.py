"""The one table of queues: workflows, activities and tuning of each."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from activities.account_messages import GatewayAccountMessageActivities
from activities.captures import GatewayCaptureActivities
from activities.carrier import GatewayCarrierActivities
from activities.catalogue_sync import Applier, ForgetfulReads, OutboxSyncActivities
from activities.checkout import PostgresCheckoutActivities
from activities.disputes import GatewayDisputeActivities
from activities.erasures import PostgresErasureActivities
from activities.event_poll import GatewayEventPollActivities
from activities.fulfillment import PostgresFulfillmentActivities
from activities.housekeeping import PostgresHousekeepingActivities
from activities.index import SearchIndexActivities
from activities.index_changes import IndexChanges
from activities.jobs import PostgresJobActivities
from activities.media import StoredMediaActivities
from activities.order_changes import PostgresOrderChangeActivities
from activities.parking import PostgresParkingActivities
from activities.payments import GatewayPaymentActivities
from activities.personal_exports import FilePersonalExportActivities
from activities.reconciliation import ProviderReconciliationActivities
from activities.refunds import GatewayRefundActivities
from activities.repairs import DifferenceRepairActivities
from activities.returns import PostgresReturnActivities
from activities.review import PostgresReviewActivities
from activities.settlement_runs import PostgresSettlementRunActivities
from activities.settlements import PostgresSettlementActivities
from activities.shipments import PostgresShipmentActivities
from activities.stock import PostgresStockActivities
from activities.vendor_transfers import GatewayTransferActivities
from activities.webhooks import PostgresWebhookActivities
from core.resources import Resources
from search.backends import open_index
from workflows.account_message import AccountMessageWorkflow
from workflows.carrier_event import CarrierEventWorkflow
from workflows.catalogue_sync import CatalogueSyncWorkflow
from workflows.catalogue_upkeep import CatalogueUpkeepWorkflow
from workflows.checkout import CheckoutWorkflow
from workflows.dispute import DisputeWorkflow
from workflows.erasure import ErasureWorkflow
from workflows.event_poll import EventPollWorkflow
from workflows.fulfillment import FulfillmentWorkflow
from workflows.housekeeping import HousekeepingWorkflow
from workflows.job import JobWorkflow
from workflows.media import MediaWorkflow
from workflows.payment_capture import PaymentCaptureWorkflow
from workflows.payment_event import PaymentEventWorkflow
from workflows.personal_export import PersonalExportWorkflow
from workflows.ports.catalogue_sync import Consumer
from workflows.reconciliation import ReconciliationWorkflow
from workflows.refund import RefundWorkflow
from workflows.reindex import ReindexWorkflow
from workflows.repair import RepairWorkflow
from workflows.returns import ReturnWorkflow
from workflows.settlement import SettlementWorkflow
from workflows.settlement_run import SettlementRunWorkflow
from workflows.shipment import ShipmentWorkflow
from workflows.stock_reservation import StockReservationWorkflow
from workflows.task_queues import TaskQueue

Activity = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Pool:
    """What one queue runs.

    ``calls_providers`` tells that its activities come over the task queue; a pool without it runs
    local activities only and polls for none. The maxima bound one process.
    """

    workflows: Sequence[type]
    activities: Callable[[Resources], Sequence[object]]
    calls_providers: bool = False
    max_concurrent_activities: int = 100
    max_concurrent_local_activities: int = 50
    workflow_pollers: int = 5
    activity_pollers: int = 5


POOLS: Mapping[TaskQueue, Pool] = {
    TaskQueue.CHECKOUT: Pool(
        workflows=[CheckoutWorkflow],
        activities=lambda resources: [_checkout(resources), _parking(resources)],
    ),
    TaskQueue.INVENTORY: Pool(
        workflows=[StockReservationWorkflow],
        activities=lambda resources: [PostgresStockActivities(resources.database)],
        workflow_pollers=2,
    ),
    TaskQueue.PAYMENTS: Pool(
        workflows=[DisputeWorkflow, PaymentCaptureWorkflow, PaymentEventWorkflow, RefundWorkflow],
        activities=lambda resources: [
            _payments(resources),
            GatewayCaptureActivities(resources.database, resources.payments),
            GatewayRefundActivities(resources.database, resources.payments),
            _disputes(resources),
            _transfers(resources),
            _webhooks(resources),
            _parking(resources),
        ],
        calls_providers=True,
    ),
    TaskQueue.FULFILLMENT: Pool(
        workflows=[FulfillmentWorkflow, ShipmentWorkflow, CarrierEventWorkflow, ReturnWorkflow],
        activities=lambda resources: [
            PostgresFulfillmentActivities(resources.database, resources.settings.fulfillment),
            PostgresOrderChangeActivities(resources.database),
            PostgresReviewActivities(resources.database),
            GatewayCarrierActivities(resources.database, resources.carrier),
            PostgresShipmentActivities(resources.database, resources.settings.fulfillment),
            _returns(resources),
            _webhooks(resources),
            _parking(resources),
        ],
        calls_providers=True,
    ),
    TaskQueue.MAINTENANCE: Pool(
        workflows=[
            ErasureWorkflow,
            EventPollWorkflow,
            HousekeepingWorkflow,
            PersonalExportWorkflow,
            ReconciliationWorkflow,
            RepairWorkflow,
            SettlementRunWorkflow,
            SettlementWorkflow,
        ],
        activities=lambda resources: [
            _housekeeping(resources),
            PostgresErasureActivities(resources.database, resources.objects, resources.settings),
            FilePersonalExportActivities(
                resources.database, resources.objects, resources.settings.personal
            ),
            GatewayEventPollActivities(resources.database, resources.payments, resources.temporal),
            PostgresSettlementActivities(resources.database, resources.settings.settlement),
            PostgresSettlementRunActivities(resources.database, resources.temporal),
            _reconciliation(resources),
            _repairs(resources),
            _disputes(resources),
            _parking(resources),
        ],
        calls_providers=True,
        workflow_pollers=2,
        activity_pollers=2,
    ),
    TaskQueue.CATALOGUE: Pool(
        workflows=[JobWorkflow, MediaWorkflow],
        activities=lambda resources: [_jobs(resources), _media(resources)],
        calls_providers=True,
        max_concurrent_activities=8,
        workflow_pollers=2,
        activity_pollers=2,
    ),
    TaskQueue.NOTIFICATIONS: Pool(
        workflows=[AccountMessageWorkflow],
        activities=lambda resources: [_account_messages(resources)],
        calls_providers=True,
        max_concurrent_activities=20,
        workflow_pollers=2,
        activity_pollers=2,
    ),
    TaskQueue.SEARCH: Pool(
        workflows=[CatalogueSyncWorkflow, CatalogueUpkeepWorkflow, ReindexWorkflow],
        activities=lambda resources: [*_of_search(resources)],
        calls_providers=True,
        max_concurrent_activities=6,
        workflow_pollers=2,
        activity_pollers=2,
    ),
}


def activities_of(implementations: Sequence[object]) -> list[Activity]:
    """Every method of the implementations that is decorated as an activity."""
    return [
        method
        for implementation in implementations
        for _, method in inspect.getmembers(implementation, inspect.ismethod)
        if hasattr(method, "__temporal_activity_definition")
    ]


def _account_messages(resources: Resources) -> GatewayAccountMessageActivities:
    return GatewayAccountMessageActivities(
        resources.database, resources.email, resources.sms, resources.settings
    )


def _checkout(resources: Resources) -> PostgresCheckoutActivities:
    return PostgresCheckoutActivities(resources.database, resources.temporal, resources.settings)


def _housekeeping(resources: Resources) -> PostgresHousekeepingActivities:
    return PostgresHousekeepingActivities(
        resources.database, resources.temporal, resources.objects, resources.settings.jobs
    )


def _jobs(resources: Resources) -> PostgresJobActivities:
    return PostgresJobActivities(
        resources.database, resources.objects, resources.temporal, resources.settings.jobs
    )


def _of_search(resources: Resources) -> Sequence[object]:
    database, reads = resources.database, resources.reads
    index = open_index(resources.settings, database)
    changes = IndexChanges(database, index, reads)
    appliers: dict[Consumer, Applier] = {
        Consumer.CACHE: ForgetfulReads(database, reads),
        Consumer.SEARCH: changes,
    }
    return [
        OutboxSyncActivities(database, appliers),
        SearchIndexActivities(database, resources.temporal, index, changes),
    ]


def _parking(resources: Resources) -> PostgresParkingActivities:
    return PostgresParkingActivities(resources.database)


def _payments(resources: Resources) -> GatewayPaymentActivities:
    return GatewayPaymentActivities(
        resources.database,
        resources.payments,
        return_url=resources.settings.payments.return_url,
    )


def _media(resources: Resources) -> StoredMediaActivities:
    return StoredMediaActivities(resources.database, resources.objects, resources.settings.media)


def _disputes(resources: Resources) -> GatewayDisputeActivities:
    return GatewayDisputeActivities(
        resources.database, resources.payments, resources.temporal, resources.settings.disputes
    )


def _webhooks(resources: Resources) -> PostgresWebhookActivities:
    return PostgresWebhookActivities(resources.database, resources.temporal)


def _reconciliation(resources: Resources) -> ProviderReconciliationActivities:
    return ProviderReconciliationActivities(
        resources.database,
        resources.payments,
        resources.temporal,
        resources.settings.reconciliation,
    )


def _repairs(resources: Resources) -> DifferenceRepairActivities:
    return DifferenceRepairActivities(
        resources.database,
        resources.payments,
        resources.temporal,
        resources.settings.fulfillment,
    )


def _returns(resources: Resources) -> PostgresReturnActivities:
    settings = resources.settings
    return PostgresReturnActivities(resources.database, settings.returns, settings.fulfillment)


def _transfers(resources: Resources) -> GatewayTransferActivities:
    return GatewayTransferActivities(
        resources.database, resources.payments, resources.settings.settlement
    )
