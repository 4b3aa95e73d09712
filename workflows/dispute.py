"""A dispute: its provider's state is followed until it is decided, and staff are reminded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from core.domain.disputes import OPEN_DISPUTE, next_moment, reminder_at
from core.domain.events import Actor
from core.domain.statuses import DisputeStatus
from workflows.messages import Action, DisputeAnswer, DisputeRequest, Resolution
from workflows.parking import Parkable, StepResolvedError, in_words
from workflows.policies import DISPUTE_POLL, PARKED_LONGEST_WAIT
from workflows.ports.disputes import (
    AcceptDispute,
    DisputeActivities,
    DisputeState,
    RemindOfEvidence,
    SubmitEvidence,
)
from workflows.saga import shielded
from workflows.steps import database_step, payment_call

EVIDENCE = "evidence for a dispute"
STATE = "news of a dispute"
ANSWER = "answer to a dispute"


@dataclass(kw_only=True)
class Task:
    """What staff wants the bank to be told, and what became of it."""

    wanted: DisputeAnswer
    done: bool = False
    given_up: Resolution | None = None


@workflow.defn
class DisputeWorkflow(Parkable):
    """Every event is a hint: what counts is what the provider says when it is asked."""

    @workflow.init
    def __init__(self, request: DisputeRequest) -> None:
        super().__init__()
        self._request = request
        self._ref = request.ref
        self._state: DisputeState | None = None
        self._news = False
        self._task = Task(wanted=request.answer) if request.answer else None
        self._quiet_until = request.quiet_until
        self._told: tuple[datetime, int] | None = None

    @workflow.run
    async def run(self, _request: DisputeRequest) -> DisputeStatus:
        status = await shielded(self._follow())
        await workflow.wait_condition(workflow.all_handlers_finished)
        return status

    async def _follow(self) -> DisputeStatus:
        state = await self._first_look()
        while state.status in OPEN_DISPUTE:
            workflow.set_current_details(_in_details(state))
            await self._remind(state)
            if self._task is None:
                await self._fresh_run_if_long()
            await self._wait(state)
            # The clock does not wait for the provider.
            await self._remind(state)
            state = await (self._look(state) if self._task is None else self._answer(state))
            self._state = state
        if self._task is not None:
            self._finish(self._task)
        decided = Resolution(actor=Actor.SYSTEM, reason=f"the dispute is {state.status}")
        await self.unmark(self._ref.order_id, EVIDENCE, decided)
        await self.unmark(self._ref.order_id, STATE, decided)
        return state.status

    async def _first_look(self) -> DisputeState:
        self._news = False
        self._state = await self.until_done(
            self._ref.order_id,
            STATE,
            lambda: payment_call(DisputeActivities.look_at_dispute, self._ref),
        )
        return self._state

    async def _look(self, known: DisputeState) -> DisputeState:
        """Ask the provider; without an answer things stand as they did, and staff see it."""
        self._news = False
        try:
            state = await payment_call(DisputeActivities.look_at_dispute, self._ref)
        except ActivityError as error:
            self._news = True
            again = workflow.now() + PARKED_LONGEST_WAIT
            await self.mark(
                self._ref.order_id, STATE, in_words(error), actions=[Action.RETRY], deadline=again
            )
            return known
        await self.unmark(self._ref.order_id, STATE, self.decided(STATE))
        return state

    async def _wait(self, state: DisputeState) -> None:
        """Until there is news, an answer of staff, or a moment in which something is due."""
        in_vain = STATE in self._waits
        longest = PARKED_LONGEST_WAIT if in_vain else DISPUTE_POLL
        due_at = state.evidence_due_at if state.wants_evidence else None
        moment = next_moment(due_at, workflow.now(), state.reminders) if due_at else None
        if moment is not None:
            longest = min(longest, moment - workflow.now())
        try:
            await workflow.wait_condition(
                lambda: (
                    self._task is not None
                    or (self._news and not in_vain)
                    or self.decided(STATE) is not None
                    or self.decided(EVIDENCE) is not None
                ),
                timeout=max(longest, timedelta(0)),
                timeout_summary="ask the provider, remind staff",
            )
        except TimeoutError:
            workflow.logger.info("no news of the dispute yet")

    async def _remind(self, state: DisputeState) -> None:
        """Show staff that evidence is due, from the first reminder to the deadline."""
        due_at = state.evidence_due_at
        if not state.wants_evidence or due_at is None:
            await self._stop_reminding("nothing is asked for")
            return
        if self.decided(EVIDENCE) is not None:
            self._quiet_until = due_at
            await self._stop_reminding("")
        left = 0 if workflow.now() >= due_at else None
        if left is None:
            left = reminder_at(due_at, workflow.now(), state.reminders)
        if left is None or self._told == (due_at, left):
            return
        self._told = (due_at, left)
        await database_step(
            DisputeActivities.remind_of_evidence,
            RemindOfEvidence(ref=self._ref, due_at=due_at, left_seconds=left, missed=left == 0),
        )
        if left == 0:
            await self._stop_reminding("the deadline is over: the bank decides without evidence")
        elif self._quiet_until != due_at:
            await self.mark(
                self._ref.order_id,
                EVIDENCE,
                f"the bank decides about dispute {self._ref.provider_dispute_id} without our side"
                f" unless evidence is submitted by {due_at:%Y-%m-%d %H:%M} UTC",
                actions=[Action.SKIP],
                deadline=due_at,
            )

    async def _stop_reminding(self, reason: str) -> None:
        ended = Resolution(actor=Actor.SYSTEM, reason=reason)
        await self.unmark(self._ref.order_id, EVIDENCE, self.decided(EVIDENCE) or ended)

    async def _answer(self, known: DisputeState) -> DisputeState:
        """Do what staff wants, and tell whoever wanted it."""
        task = self._task
        assert task is not None  # noqa: S101  # tells the type checker
        if not known.wants_evidence:
            self._finish(task)
            return known
        try:
            state = await self.until_done(
                self._ref.order_id,
                ANSWER,
                lambda: self._send(task.wanted),
                actions=[Action.RETRY, Action.SKIP],
            )
        except StepResolvedError as resolved:
            task.given_up = resolved.resolution
            state = known
        self._state = state
        self._finish(task)
        return state

    async def _send(self, wanted: DisputeAnswer) -> DisputeState:
        if wanted.accepted:
            return await payment_call(
                DisputeActivities.accept_dispute,
                AcceptDispute(ref=self._ref, actor=wanted.actor, reason=wanted.reason),
            )
        return await payment_call(
            DisputeActivities.submit_evidence,
            SubmitEvidence(ref=self._ref, submission_id=wanted.submission_id, actor=wanted.actor),
        )

    def _finish(self, task: Task) -> None:
        task.done = True
        self._task = None

    @workflow.update
    async def answer(self, wanted: DisputeAnswer) -> DisputeStatus:
        """Tell the bank our side, or give the dispute up; returns how the dispute stands then."""
        task = self._task = Task(wanted=wanted)
        await workflow.wait_condition(lambda: task.done or self.leaving)
        if task.given_up is not None:
            raise ApplicationError(
                f"{task.given_up.actor} decided not to send it: {task.given_up.reason}",
                {"state": str(self._status), "allowed": []},
                type="invalid-state",
            )
        return self._status

    @answer.validator
    def _refuse_answer_that_nobody_wants(self, wanted: DisputeAnswer) -> None:
        state = self._state
        if self._task is not None:
            self._refuse(wanted, "another answer is being sent")
        if state is None:
            return  # nobody has looked yet: it is found out first
        if not state.wants_evidence:
            self._refuse(wanted, "nothing is asked for")
        due_at = state.evidence_due_at
        if due_at is not None and workflow.now() >= due_at and not wanted.accepted:
            self._refuse(wanted, f"evidence was due by {due_at:%Y-%m-%d %H:%M} UTC")

    def _refuse(self, wanted: DisputeAnswer, why: str) -> None:
        raise ApplicationError(
            f"{wanted.actor} cannot answer the dispute: {why}",
            {"state": f"{self._status}: {why}", "allowed": []},
            type="invalid-state",
        )

    @property
    def _status(self) -> DisputeStatus:
        return self._state.status if self._state else DisputeStatus.NEEDS_RESPONSE

    def fresh_run(self) -> Sequence[DisputeRequest]:
        """The provider is asked again; what staff wanted and does not want to hear goes along."""
        answer = self._task.wanted if self._task else None
        return [replace(self._request, answer=answer, quiet_until=self._quiet_until)]

    @workflow.query
    def get_status(self) -> DisputeStatus | None:
        """Return how the dispute stands; None before the first look."""
        return self._state.status if self._state else None

    @workflow.signal
    def dispute_changed(self) -> None:
        """The provider has news of the dispute: ask it."""
        self._news = True
        for what in (ANSWER, STATE):
            self.wake(what, "the provider has news of the dispute")


def _in_details(state: DisputeState) -> str:
    if state.wants_evidence and state.evidence_due_at is not None:
        return f"Evidence is due by {state.evidence_due_at:%Y-%m-%d %H:%M} UTC"
    return f"The dispute is {state.status}"
