"""A person is forgotten as soon as nothing of theirs is under way, and told so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import text
from temporalio.client import WorkflowHandle

from core.domain.errors import UnavailableError
from core.domain.ids import Prefix, new_id
from models.repositories import erasures, personal_exports
from models.repositories.erasures import ErasureView
from tests.eventually import eventually
from tests.remembered import where_is
from tests.workflows.platform import SkippingPlatform
from tests.workflows.test_written_first import tidy
from workflows import workflow_ids
from workflows.erasure import ErasureWorkflow
from workflows.fulfillment import FulfillmentWorkflow
from workflows.messages import CancelRequest
from workflows.ports.personal_data import ErasureRef, ErasureRequest
from workflows.task_queues import TaskQueue

STREET = "1 Test Street"


async def registered(skipping: SkippingPlatform) -> str:
    """The shop's customer gets an account; return its proven address."""
    email = f"{new_id(Prefix.EVENT)}@shop.perdure.dev"
    await skipping.shop.database.statement(
        text("""INSERT INTO users (id, email, email_verified_at, name, role)
                VALUES (:id, :email, now(), 'Ada', 'customer')"""),
        {"id": skipping.shop.customer_id, "email": email},
    )
    return email


async def asked(skipping: SkippingPlatform) -> WorkflowHandle[Any, Any]:
    user_id = skipping.shop.customer_id
    async with skipping.shop.database.transaction() as session:
        erasure = await erasures.request(session, user_id, actor=f"customer:{user_id}")
    return await skipping.shop.temporal.start_workflow(
        ErasureWorkflow.run,
        ErasureRequest(ref=ErasureRef(erasure_id=erasure.id, user_id=user_id)),
        id=workflow_ids.erasure(user_id),
        task_queue=TaskQueue.MAINTENANCE,
    )


async def ordered(skipping: SkippingPlatform) -> str:
    order_id = await skipping.shop.draft(await skipping.shop.stock_up(1))
    await skipping.shop.place(order_id)
    await eventually(lambda: skipping.shop.fulfillment_started(order_id))
    return order_id


async def canceled(skipping: SkippingPlatform, order_id: str) -> None:
    canceled = CancelRequest(actor=f"customer:{skipping.shop.customer_id}", reason=STREET)
    await skipping.shop.fulfillment(order_id).execute_update(FulfillmentWorkflow.cancel, canceled)


async def wish(skipping: SkippingPlatform) -> ErasureView:
    return await erasures.get(skipping.shop.database, skipping.shop.customer_id)


async def mailbox(skipping: SkippingPlatform, email: str) -> list[str]:
    answer = await skipping.outside.http.get("/messages", params={"to": email})
    return [message["subject"] for message in answer.json()["data"]]


async def test_person_is_forgotten_when_the_order_has_ended(skipping: SkippingPlatform) -> None:
    email = await registered(skipping)
    order_id = await ordered(skipping)
    erasure = await asked(skipping)
    await eventually(lambda: wish(skipping), lambda seen: seen.status == "waiting")
    assert await mailbox(skipping, email) == []
    await canceled(skipping, order_id)

    await erasure.execute_update(ErasureWorkflow.retry)
    await eventually(
        lambda: where_is(skipping.shop.database, email.partition("@")[0]), lambda found: not found
    )
    assert await mailbox(skipping, email) == ["Your account is deleted"]
    assert await where_is(skipping.shop.database, STREET) == {}
    assert (await wish(skipping)).status == "erasing"

    # An access token that still lives places an order; then its time is over.
    late = await ordered(skipping)
    await canceled(skipping, late)
    lifetime = skipping.resources.settings.auth.access_token_seconds
    await skipping.skip(timedelta(seconds=lifetime + 5))
    await erasure.result()

    seen = await wish(skipping)
    assert (seen.status, seen.kept["orders"]) == ("done", 2)
    assert await where_is(skipping.shop.database, STREET) == {}


async def test_erasure_goes_on_without_a_mail_that_cannot_be_sent(
    skipping: SkippingPlatform,
) -> None:
    email = await registered(skipping)
    await skipping.outside.break_down("email", "messages.send")
    erasure = await asked(skipping)
    await eventually(lambda: wish(skipping), lambda seen: seen.status == "erasing")

    await skipping.skip(timedelta(days=1, seconds=30))
    await erasure.result()

    assert (await wish(skipping)).status == "done"
    assert await where_is(skipping.shop.database, email) == {}


async def test_erasure_waits_visibly_for_the_store_of_files(
    skipping: SkippingPlatform, monkeypatch: Any
) -> None:
    await registered(skipping)
    objects = skipping.resources.objects
    present = type(objects).list
    monkeypatch.setattr(type(objects), "list", _down)
    erasure = await asked(skipping)
    await skipping.skip(timedelta(seconds=10))
    await eventually(erasure.describe, lambda seen: "PerdureWaitingFor" in seen.search_attributes)
    assert (await wish(skipping)).status == "erasing"
    monkeypatch.setattr(type(objects), "list", present)

    await erasure.execute_update(ErasureWorkflow.retry)
    await skipping.skip(timedelta(hours=2))
    await erasure.result()

    assert (await wish(skipping)).status == "done"


def _down(*_: object) -> Any:
    raise UnavailableError("the store of files is down")


async def test_wish_that_nobody_follows_is_started_by_the_housekeeping(
    skipping: SkippingPlatform,
) -> None:
    database, user_id = skipping.shop.database, skipping.shop.customer_id
    await registered(skipping)
    async with database.transaction() as session:
        await personal_exports.request(session, new_id(Prefix.EXPORT), user_id, actor="test")
        await erasures.request(session, user_id, actor=f"customer:{user_id}")
    assert await tidy(skipping) == 0
    for table in ("erasures", "personal_exports"):
        aged = f"UPDATE {table} SET created_at = created_at - interval '5 minutes'"  # noqa: S608  # names of this file
        await database.statement(text(aged), {})

    assert await tidy(skipping) == 2

    await eventually(lambda: wish(skipping), lambda seen: seen.kept != {})
