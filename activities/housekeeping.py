"""Tidy up, and drive again what an outage left behind."""

from __future__ import annotations

from temporalio import activity
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy

from activities import job_leftovers, starting
from activities.starting import start_unless_it_runs
from activities.stock_news import tell_fulfillments
from core.database import Database
from core.gateways.objects import ObjectStore
from core.settings_jobs import JobSettings
from models.repositories import (
    account_messages,
    backorders,
    carts,
    erasures,
    housekeeping,
    personal_exports,
    price_periods,
    stock_alerts,
)
from workflows import workflow_ids
from workflows.messages import Checkout, Child, ReturnRequest
from workflows.ports.housekeeping import Housekeeping, HousekeepingActivities, Tidied
from workflows.ports.media import MediaRef
from workflows.ports.personal_data import ErasureRef, ExportRef
from workflows.ports.refunds import RefundRef
from workflows.ports.webhooks import EventRef
from workflows.task_queues import TaskQueue


class PostgresHousekeepingActivities(HousekeepingActivities):
    def __init__(
        self, database: Database, temporal: Client, objects: ObjectStore, jobs: JobSettings
    ) -> None:
        self._database = database
        self._temporal = temporal
        self._objects = objects
        self._jobs = jobs

    @activity.defn
    async def tidy(self, step: Housekeeping) -> Tidied:
        return Tidied(
            idempotency_keys=await housekeeping.delete_old_keys(
                self._database, step.idempotency_keys_days
            ),
            sessions=await housekeeping.delete_old_sessions(self._database, step.sessions_days),
            messages=await account_messages.delete_old(self._database, step.messages_days),
            carts=await carts.delete_old_carts(self._database, step.carts_days),
            redriven_events=await self._redrive_events(),
            served_orders=await self._serve_waiting_orders(),
            stock_alerts=len(await stock_alerts.watch(self._database)),
            restarted=await self._start_what_was_written(),
            prices=await price_periods.tell_due(self._database),
            job_files=await job_leftovers.forget_files(
                self._database, self._objects, days=self._jobs.keep_days
            ),
        )

    async def _serve_waiting_orders(self) -> int:
        """Give out what came in past the inflows, and tell again what a crash kept untold.

        Stock comes free when an order or a hold ends, a pre-order's date comes, and an order may
        have been busy when its stock arrived.
        """
        async with self._database.transaction() as session:
            places = await backorders.overdue_places(session)
            served = await backorders.allocate_waiting(session, places) if places else []
        async with self._database.transaction() as session:
            untold = await backorders.untold_orders(session)
        await tell_fulfillments(self._temporal, [*served, *untold])
        return len(served)

    async def _redrive_events(self) -> int:
        """The API stores an event before it starts its workflow: Temporal may have been away."""
        redriven = 0
        for row in await housekeeping.waiting_events(self._database):
            event = EventRef(provider=row["provider"], event_id=row["event_id"])
            of_carrier = row["provider"] == "carrier"
            redriven += await starting.start_event(self._temporal, event, of_carrier=of_carrier)
        return redriven

    async def _start_what_was_written(self) -> int:
        """Who wrote a refund, a return, a draft or a job may have died before it began."""
        started = await job_leftovers.start_unfinished(self._database, self._temporal)
        for row in await housekeeping.pending_refunds(self._database):
            ref = RefundRef(order_id=row["order_id"], refund_id=row["id"])
            started += await starting.start_refund(self._temporal, ref)
        for row in await housekeeping.unstarted_returns(self._database):
            started += await self._start(
                Child.RETURN,
                ReturnRequest(order_id=row["order_id"], return_id=row["id"]),
                workflow_id=workflow_ids.return_(row["id"]),
                queue=TaskQueue.FULFILLMENT,
            )
        for row in await housekeeping.unopened_drafts(self._database):
            started += await self._start(
                "CheckoutWorkflow",
                Checkout(order_id=row["order_id"], customer_id=row["customer_id"]),
                workflow_id=workflow_ids.checkout(row["order_id"]),
                queue=TaskQueue.CHECKOUT,
            )
        for media_id in await housekeeping.unfollowed_media(self._database):
            started += await start_unless_it_runs(
                self._temporal,
                Child.MEDIA,
                MediaRef(media_id=media_id),
                workflow_id=workflow_ids.media(media_id),
                queue=TaskQueue.CATALOGUE,
                order_id=None,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            )
        for message_id in await account_messages.unsent(self._database):
            started += await starting.start_account_message(self._temporal, message_id)
        return started + await self._start_what_people_asked()

    async def _start_what_people_asked(self) -> int:
        """To be forgotten, or to be handed their data, while Temporal was away."""
        started = 0
        for row in await erasures.unstarted(self._database):
            ref = ErasureRef(erasure_id=row["id"], user_id=row["user_id"])
            started += await starting.start_erasure(self._temporal, ref)
        for row in await personal_exports.unstarted(self._database):
            export = ExportRef(export_id=row["id"], user_id=row["user_id"])
            started += await starting.start_export(self._temporal, export)
        return started

    async def _start(
        self,
        workflow: str,
        request: ReturnRequest | Checkout,
        *,
        workflow_id: str,
        queue: TaskQueue,
    ) -> bool:
        """Start it unless it runs or has ended well; tell whether that was needed."""
        return await start_unless_it_runs(
            self._temporal,
            workflow,
            request,
            workflow_id=workflow_id,
            queue=queue,
            order_id=request.order_id,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
        )
