"""The paths of messages of accounts; collected only by ``python -m tests.replay.record``."""

from __future__ import annotations

from models.users import MessageKind
from tests.replay.paths import keep
from tests.workflows.conftest import outside, skipping
from tests.workflows.platform import SkippingPlatform
from tests.workflows.test_account_message import begun, parked
from workflows import workflow_ids
from workflows.account_message import AccountMessageWorkflow

__all__ = ["outside", "skipping"]


async def test_messages_sent_at_once_and_after_an_outage(skipping: SkippingPlatform) -> None:
    message, handle = await begun(skipping, MessageKind.VERIFY_EMAIL)
    await handle.result()
    await keep(skipping, workflow_ids.account_message(message.id), "sent")

    late, waiting = await parked(skipping, MessageKind.RESET_PASSWORD)
    await skipping.outside.clear_faults()
    await waiting.execute_update(AccountMessageWorkflow.retry)
    await waiting.result()
    await keep(skipping, workflow_ids.account_message(late.id), "parked")
