"""Messages of accounts: written in the transaction that they tell of, sent by a workflow."""

from __future__ import annotations

import structlog

from api.engine import start_once
from core.domain.errors import UnavailableError
from core.one_time import OneTimeSecrets
from core.resources import Resources
from models.repositories import account_messages
from models.repositories.account_messages import NewMessage
from workflows import workflow_ids
from workflows.messages import Child
from workflows.ports.account_messages import AccountMessageRef
from workflows.task_queues import TaskQueue

log = structlog.get_logger("api")


async def send(resources: Resources, message: NewMessage) -> None:
    """Write a message in a transaction of its own, and have it sent.

    One that tells of a change is written with it: ``account_messages.write`` in its transaction,
    then ``begin``.
    """
    secrets = OneTimeSecrets.of(resources.settings.auth)
    await account_messages.write_alone(resources.database, message, secrets)
    await begin(resources, message.id)


async def request(
    resources: Resources,
    message: NewMessage,
    *,
    strangers: bool = False,
    unverified_only: bool = False,
) -> None:
    """Send a message to whoever has an address or a number, if somebody has it.

    See ``account_messages.request`` for what is asked.
    """
    secrets = OneTimeSecrets.of(resources.settings.auth)
    await account_messages.request(
        resources.database,
        message,
        secrets,
        strangers=strangers,
        unverified_only=unverified_only,
    )
    await begin(resources, message.id)


async def begin(resources: Resources, message_id: str) -> None:
    """Have a written message sent; while Temporal is away the housekeeping starts it later."""
    try:
        await start_once(
            resources.temporal,
            Child.ACCOUNT_MESSAGE,
            AccountMessageRef(message_id=message_id),
            workflow_id=workflow_ids.account_message(message_id),
            task_queue=TaskQueue.NOTIFICATIONS,
            budget_seconds=resources.settings.api.latency_budget_seconds,
            summary="Send a message of an account",
        )
    except UnavailableError:
        log.warning("a message waits for the workflow engine", message_id=message_id)
