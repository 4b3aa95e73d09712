"""What a vendor is owed, drawn up once, approved by people, and paid by the vendor's provider."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from core.domain.errors import InvalidStateError
from core.domain.settlements import require_approver
from core.domain.statuses import SETTLEMENT_MOVES, SettlementStatus, require_move
from workflows import search_attributes
from workflows.parking import in_words, run_is_long
from workflows.policies import (
    FIRST_TRANSFER_POLL,
    LONGEST_TRANSFER_POLL,
    PAID_TRANSFER_POLL,
    PAID_TRANSFER_WATCH,
)
from workflows.ports.settlements import (
    DecideSettlement,
    NoteSettlement,
    RemindSettlement,
    SendTransfer,
    SettlementActivities,
    SettlementDecision,
    SettlementRef,
    SettlementRequest,
    SettlementState,
    TransferActivities,
)
from workflows.steps import database_step, payment_call

_PEOPLE = {
    SettlementStatus.AWAITING_APPROVAL: "approval of a settlement",
    SettlementStatus.FAILED: "a decision about a failed settlement",
}
"""What waits for people, in words."""


@workflow.defn
class SettlementWorkflow:
    """The row tells how far it has come, so a run can begin anywhere: after a reset, or an event.

    It ends a while after the payment; what the provider tells later starts it again.
    """

    @workflow.init
    def __init__(self, request: SettlementRequest) -> None:
        self._request = request
        self._ref = SettlementRef(settlement_id=request.settlement_id)
        self._state: SettlementState | None = None
        self._news = False
        self._waits_for = ""

    @workflow.run
    async def run(self, request: SettlementRequest) -> str:
        self._state = await database_step(SettlementActivities.draw_up_settlement, request)
        while not await self._has_ended():
            if run_is_long():
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(SettlementRequest(settlement_id=request.settlement_id))
        await workflow.wait_condition(workflow.all_handlers_finished)
        return str(self._now.status or "nothing_to_pay")

    @property
    def _now(self) -> SettlementState:
        if self._state is None:
            raise ApplicationError("the settlement is not drawn up yet", type="invalid-state")
        return self._state

    def _is(self, status: SettlementStatus) -> bool:
        return self._now.status is status

    async def _has_ended(self) -> bool:
        """Do what the present state asks for; tell whether nothing is left to be done."""
        status = self._now.status
        if status in _PEOPLE:
            await self._wait_for_people(_PEOPLE[status])
        elif status is SettlementStatus.APPROVED:
            await self._begin()
        elif status is SettlementStatus.PAYING:
            await self._pay()
        elif status is SettlementStatus.PAID:
            return not await self._came_back()
        else:
            return True
        return False

    async def _wait_for_people(self, what: str) -> None:
        """Remind them until somebody has decided; the state changes by their updates."""
        waiting = self._now.status
        self._show(what)
        while not run_is_long():
            every = timedelta(seconds=self._now.remind_every_seconds)
            if await self._until(lambda: self._now.status is not waiting, every):
                break
            step = RemindSettlement(
                settlement_id=self._ref.settlement_id, version=self._now.version
            )
            self._learn(await database_step(SettlementActivities.remind_of_settlement, step))
        self._show("")

    async def _begin(self) -> None:
        """Without a payout account it waits for one, and reminds people meanwhile."""
        self._news = False
        self._learn(await database_step(SettlementActivities.begin_transfer, self._ref))
        if not self._is(SettlementStatus.APPROVED):
            return
        self._show(self._now.failure or "a payout account")
        every = timedelta(seconds=self._now.remind_every_seconds)
        if not await self._until(
            lambda: self._news or not self._is(SettlementStatus.APPROVED), every
        ):
            step = RemindSettlement(
                settlement_id=self._ref.settlement_id, version=self._now.version
            )
            self._learn(await database_step(SettlementActivities.remind_of_settlement, step))
        self._show("")

    async def _pay(self) -> None:
        """Ask the provider until it has paid or refused; nothing is sent twice."""
        patience = FIRST_TRANSFER_POLL
        while not run_is_long():
            self._news = False
            await self._ask_provider()
            if not self._is(SettlementStatus.PAYING):
                break
            told = await self._until(lambda: self._news, patience)
            patience = FIRST_TRANSFER_POLL if told else min(patience * 2, LONGEST_TRANSFER_POLL)
        self._show("")

    async def _ask_provider(self) -> None:
        step = SendTransfer(settlement_id=self._ref.settlement_id, attempt=self._now.attempt)
        try:
            self._learn(await payment_call(TransferActivities.send_transfer, step))
        except ActivityError as error:
            if self._is(SettlementStatus.PAID):
                return  # it is asked again tomorrow
            note = NoteSettlement(settlement_id=self._ref.settlement_id, why=in_words(error))
            self._learn(await database_step(SettlementActivities.note_settlement, note))
            self._show("the provider's answer about a settlement")

    async def _came_back(self) -> bool:
        """Look after a payment for a while; tell whether the provider has taken it back."""
        until = workflow.now() + PAID_TRANSFER_WATCH
        while True:
            left = until - workflow.now()
            if left <= timedelta(0):
                return False
            await self._until(lambda: self._news, min(left, PAID_TRANSFER_POLL))
            self._news = False
            await self._ask_provider()
            if not self._is(SettlementStatus.PAID):
                return True

    async def _until(self, condition: Callable[[], bool], patience: timedelta) -> bool:
        try:
            await workflow.wait_condition(condition, timeout=patience)
        except TimeoutError:
            return False
        return True

    def _learn(self, state: SettlementState) -> None:
        """Keep the newer of two states: an update may have been quicker than the run."""
        if self._state is None or state.version >= self._state.version:
            self._state = state

    def _show(self, what: str) -> None:
        """Show in Temporal's UI what it waits for."""
        if what == self._waits_for:
            return
        self._waits_for = what
        failure = self._now.failure
        workflow.set_current_details(f"**Waiting for {what}**\n\n{failure or ''}" if what else "")
        attribute = search_attributes.WAITING_FOR
        value = attribute.value_set(what) if what else attribute.value_unset()
        workflow.upsert_search_attributes([value])

    @workflow.update
    async def drawn_up(self) -> SettlementState:
        """Wait until it is drawn up; its status is None when there was nothing to be paid."""
        await workflow.wait_condition(lambda: self._state is not None)
        return self._now

    @workflow.update
    async def approve(self, decision: SettlementDecision) -> SettlementState:
        """A person approves the payment."""
        return await self._decide(SettlementActivities.approve_settlement, decision)

    @approve.validator
    def _refuse_approval(self, decision: SettlementDecision) -> None:
        now = self._state
        if now is None or now.status is None:
            return
        try:
            require_approver(
                decision.actor,
                status=now.status,
                needed=now.approvals_needed,
                approvers=now.approvers,
                created_by=now.created_by,
            )
        except InvalidStateError as error:
            raise _refusal(error) from error

    @workflow.update
    async def cancel(self, decision: SettlementDecision) -> SettlementState:
        """A person gives the settlement up; the provider must not have it."""
        return await self._decide(SettlementActivities.cancel_settlement, decision)

    @cancel.validator
    def _refuse_cancellation(self, decision: SettlementDecision) -> None:  # noqa: ARG002  # a validator takes what its update takes
        if self._state is None or self._state.status is None:
            return
        try:
            require_move(SETTLEMENT_MOVES, self._state.status, SettlementStatus.CANCELED)
        except InvalidStateError as error:
            raise _refusal(error) from error

    @workflow.update
    async def retry(self, decision: SettlementDecision) -> SettlementState:
        """A person has a failed settlement paid again."""
        return await self._decide(SettlementActivities.retry_settlement, decision)

    @retry.validator
    def _refuse_retry(self, decision: SettlementDecision) -> None:  # noqa: ARG002  # a validator takes what its update takes
        now = self._state
        if now is not None and now.status is not SettlementStatus.FAILED:
            raise _refusal(InvalidStateError(present=str(now.status), wanted="retry"))

    @workflow.signal
    def transfer_changed(self) -> None:
        """The provider has news of the payment: ask it."""
        self._news = True

    @workflow.signal
    def payout_account_changed(self) -> None:
        """The vendor can be paid elsewhere: look again."""
        self._news = True

    @workflow.query
    def get_parked_step(self) -> str | None:
        """Return what the run waits for, if it does."""
        return self._waits_for or None

    async def _decide(
        self,
        step: Callable[[SettlementActivities, DecideSettlement], Awaitable[SettlementState]],
        decision: SettlementDecision,
    ) -> SettlementState:
        await workflow.wait_condition(lambda: self._state is not None)
        update = workflow.current_update_info()
        wanted = DecideSettlement(
            settlement_id=self._ref.settlement_id,
            actor=decision.actor,
            reason=decision.reason,
            update_id=update.id if update else "",
        )
        try:
            self._learn(await database_step(step, wanted))
        except ActivityError as error:
            cause = error.cause
            if isinstance(cause, ApplicationError):
                raise ApplicationError(cause.message, *cause.details, type=cause.type) from error
            raise
        return self._now


def _refusal(error: InvalidStateError) -> ApplicationError:
    return ApplicationError(str(error), dict(error.extra()), type=error.code)
