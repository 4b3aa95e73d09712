"""A picture of a product: from the promise of an upload until it is shown, refused or gone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows.policies import (
    FILE_STEP_RETRIES,
    FIRST_UPLOAD_LOOK,
    LONGEST_UPLOAD_LOOK,
    PICTURE_HEARTBEAT,
    PICTURE_RETRIES,
    PICTURE_TIMEOUT,
    PROVIDER_CALL_TIMEOUT,
    UPLOAD_MARGIN,
)
from workflows.ports.media import (
    EraseMedia,
    MediaActivities,
    MediaRef,
    MediaStage,
    MediaState,
    PreparedMedia,
    SettleMedia,
)
from workflows.steps import database_step

Payload = TypeVar("Payload")
Result = TypeVar("Result")
NOT_WORKED_ON = "it could not be worked on for an hour; upload it again"


@workflow.defn
class MediaWorkflow:
    """The row says what is to be done; a signal only says that it is time to look."""

    @workflow.init
    def __init__(self, ref: MediaRef) -> None:
        self._ref = ref
        self._changed = False
        self._patience = FIRST_UPLOAD_LOOK

    @workflow.run
    async def run(self, _ref: MediaRef) -> MediaStage:
        stage = MediaStage.AWAITED
        while stage in {MediaStage.AWAITED, MediaStage.ARRIVED} or self._changed:
            self._changed = False
            state = await _file_step(MediaActivities.look_at_media, self._ref)
            stage = await self._act(state)
            if workflow.info().is_continue_as_new_suggested() and stage is MediaStage.AWAITED:
                workflow.continue_as_new(self._ref)
        return stage

    @workflow.signal
    def media_changed(self) -> None:
        """Something was uploaded, or somebody has removed the picture."""
        self._changed = True

    async def _act(self, state: MediaState) -> MediaStage:
        match state.stage:
            case MediaStage.AWAITED:
                return await self._wait(state)
            case MediaStage.ARRIVED:
                return await self._work_on_it()
            case MediaStage.REMOVED:
                return await self._erase()
        return state.stage

    async def _wait(self, state: MediaState) -> MediaStage:
        if state.expires_at is None or state.expires_at + UPLOAD_MARGIN <= workflow.now():
            return await self._erase(expired=True)
        left = state.expires_at + UPLOAD_MARGIN - workflow.now()
        try:
            await workflow.wait_condition(
                lambda: self._changed,
                timeout=min(self._patience, left),
                timeout_summary="look for the upload",
            )
        except TimeoutError:
            self._patience = min(self._patience * 2, LONGEST_UPLOAD_LOOK)
        return MediaStage.AWAITED

    async def _work_on_it(self) -> MediaStage:
        try:
            prepared = await workflow.execute_activity_method(
                MediaActivities.prepare_media,
                self._ref,
                start_to_close_timeout=PICTURE_TIMEOUT,
                heartbeat_timeout=PICTURE_HEARTBEAT,
                retry_policy=PICTURE_RETRIES,
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            prepared = PreparedMedia(refusal=NOT_WORKED_ON)
        settled = await database_step(
            MediaActivities.settle_media,
            SettleMedia(media_id=self._ref.media_id, prepared=prepared),
        )
        await _file_step(MediaActivities.drop_upload, self._ref)
        if settled.stage is MediaStage.REMOVED:
            return await self._erase()
        return settled.stage

    async def _erase(self, *, expired: bool = False) -> MediaStage:
        step = EraseMedia(media_id=self._ref.media_id, expired=expired)
        return (await _file_step(MediaActivities.erase_media, step)).stage


async def _file_step(
    step: Callable[[MediaActivities, Payload], Awaitable[Result]], payload: Payload
) -> Result:
    return await workflow.execute_activity_method(
        step,
        payload,
        start_to_close_timeout=PROVIDER_CALL_TIMEOUT,
        retry_policy=FILE_STEP_RETRIES,
    )
