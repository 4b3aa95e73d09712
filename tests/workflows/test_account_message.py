"""A message of an account through an outage of its channel."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import text
from temporalio.client import WorkflowHandle

from core.domain.ids import Prefix, new_id
from core.one_time import OneTimeSecrets
from models.repositories import account_messages
from models.repositories.account_messages import NewMessage
from models.users import MessageKind
from tests.eventually import eventually
from tests.workflows.platform import SkippingPlatform
from tests.workflows.test_written_first import tidy
from workflows import workflow_ids
from workflows.account_message import AccountMessageWorkflow
from workflows.ports.account_messages import AccountMessageRef, MessageOutcome
from workflows.task_queues import TaskQueue

Handle = WorkflowHandle[AccountMessageWorkflow, MessageOutcome]


async def begun(skipping: SkippingPlatform, kind: MessageKind) -> tuple[NewMessage, Handle]:
    """A written message and the workflow that sends it."""
    message = NewMessage(kind=kind, recipient=f"{new_id(Prefix.USER)}@shop.perdure.dev")
    secrets = OneTimeSecrets.of(skipping.resources.settings.auth)
    await account_messages.write_alone(skipping.resources.database, message, secrets)
    handle = await skipping.resources.temporal.start_workflow(
        AccountMessageWorkflow.run,
        AccountMessageRef(message_id=message.id),
        id=workflow_ids.account_message(message.id),
        task_queue=TaskQueue.NOTIFICATIONS,
    )
    return message, handle


async def mailbox(skipping: SkippingPlatform, message: NewMessage) -> list[dict[str, Any]]:
    answer = await skipping.outside.http.get("/messages", params={"to": message.recipient})
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


async def waits(skipping: SkippingPlatform, message: NewMessage) -> str | None:
    """What the last try has left in the message's row."""
    rows = await skipping.resources.database.statement(
        text("SELECT last_error FROM account_messages WHERE id = :id"), {"id": message.id}
    )
    return rows[0]["last_error"] if rows else None


async def parked(skipping: SkippingPlatform, kind: MessageKind) -> tuple[NewMessage, Handle]:
    """A message whose channel is down, after its first bounded tries."""
    await skipping.outside.break_down("email", "messages.send")
    message, handle = await begun(skipping, kind)
    await eventually(lambda: waits(skipping, message))
    await skipping.skip(timedelta(seconds=4))
    await eventually(handle.describe, lambda seen: "PerdureWaitingFor" in seen.search_attributes)
    return message, handle


async def test_message_waits_for_its_channel_and_a_person_can_send_it_at_once(
    skipping: SkippingPlatform,
) -> None:
    message, handle = await parked(skipping, MessageKind.RESET_PASSWORD)
    assert await mailbox(skipping, message) == []
    await skipping.outside.clear_faults()

    await handle.execute_update(AccountMessageWorkflow.retry)

    assert await handle.result() is MessageOutcome.SENT
    (mail,) = await mailbox(skipping, message)
    assert mail["subject"] == "Set a new password"
    seen = await handle.describe()
    assert not any(seen.search_attributes["PerdureWaitingFor"])


async def test_message_that_is_too_late_is_not_sent_any_more(skipping: SkippingPlatform) -> None:
    message, _ = await parked(skipping, MessageKind.SIGN_IN_CODE)
    await skipping.outside.clear_faults()
    await skipping.resources.database.statement(
        text("UPDATE account_messages SET expires_at = now() WHERE id = :id"), {"id": message.id}
    )

    ended = await skipping.skip_to_the_end(
        workflow_ids.account_message(message.id), timedelta(minutes=10)
    )

    assert ended == MessageOutcome.FAILED
    assert await mailbox(skipping, message) == []


async def test_message_that_nobody_sends_is_started_by_the_housekeeping(
    skipping: SkippingPlatform,
) -> None:
    database = skipping.resources.database
    message = NewMessage(
        kind=MessageKind.PASSWORD_CHANGED, recipient=f"{new_id(Prefix.USER)}@shop.perdure.dev"
    )
    secrets = OneTimeSecrets.of(skipping.resources.settings.auth)
    await account_messages.write_alone(database, message, secrets)
    assert await tidy(skipping) == 0
    await database.statement(
        text("UPDATE account_messages SET created_at = created_at - interval '5 minutes'"), {}
    )

    assert await tidy(skipping) == 1

    handle = skipping.shop.workflow(workflow_ids.account_message(message.id))
    assert await handle.result() == MessageOutcome.SENT
    assert await tidy(skipping) == 0
    await database.statement(
        text("UPDATE account_messages SET expires_at = now() - interval '8 days'"), {}
    )
    await tidy(skipping)
    assert await account_messages.find(database, message.id) is None
