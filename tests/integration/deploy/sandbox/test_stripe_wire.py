from __future__ import annotations

import asyncio
from typing import Any

import pytest
import stripe

from core.settings import load_settings
from tests.integration.deploy.sandbox.harness import RunningSandbox, stripe_client


async def test_wrong_key_is_an_authentication_error(sandbox: RunningSandbox) -> None:
    async with stripe_client(sandbox.url, key="sk_test_wrong") as client:
        with pytest.raises(stripe.AuthenticationError) as caught:
            await client.v1.payment_intents.list_async()

    assert caught.value.http_status == 401
    assert str(caught.value.user_message).startswith("Invalid API Key provided: sk_test_")


async def test_basic_authentication_is_accepted(sandbox: RunningSandbox) -> None:
    key = load_settings().stripe.api_key.get_secret_value()

    answer = await sandbox.http.get(f"{sandbox.url}/stripe/v1/customers", auth=(key, ""))

    assert answer.status_code == 200
    assert answer.headers["request-id"].startswith("req_")


async def test_synchronous_client_works_unchanged(sandbox: RunningSandbox) -> None:
    http = stripe.RequestsClient()
    client = stripe.StripeClient(
        load_settings().stripe.api_key.get_secret_value(),
        base_addresses={"api": f"{sandbox.url}/stripe"},
        http_client=http,
    )

    customer = await asyncio.to_thread(client.v1.customers.create, {"name": "Ada"})
    http.close()  # type: ignore[no-untyped-call]  # the SDK leaves it untyped

    assert customer.name == "Ada"


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"amount": 0}, "parameter_invalid_integer", "amount"),
        ({"amount": -1}, "parameter_invalid_integer", "amount"),
        ({"amount": 10**9}, "amount_too_large", "amount"),
        ({"amount": "1e3"}, "parameter_invalid_integer", "amount"),
        ({"currency": "dollars"}, None, "currency"),
        ({"customer": "cus_nobody"}, "resource_missing", "customer"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"payment_method_types": []}, None, "return_url"),
    ],
)
async def test_bad_parameter_is_named(
    sandbox: RunningSandbox, changes: dict[str, Any], code: str | None, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sandbox.authorize(order_id="ord_bad_parameter", **changes)

    assert (caught.value.http_status, caught.value.code, caught.value.param) == (400, code, param)
    assert await sandbox.attempts_of_order("ord_bad_parameter") == []


async def test_missing_intent_is_404(sandbox: RunningSandbox) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sandbox.stripe.v1.payment_intents.retrieve_async("pi_none")

    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")


async def test_unknown_url_is_an_invalid_request(sandbox: RunningSandbox) -> None:
    answer = await sandbox.http.get(f"{sandbox.url}/stripe/v1/nothing")

    assert answer.status_code == 404
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("body", [b"a=\xff", b"a[=1", b"amount[b]=1&amount=2", b"[]=1"])
async def test_malformed_form_is_refused(sandbox: RunningSandbox, body: bytes) -> None:
    key = load_settings().stripe.api_key.get_secret_value()

    answer = await sandbox.http.post(
        f"{sandbox.url}/stripe/v1/payment_intents", content=body, auth=(key, "")
    )

    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


async def test_customer_life(sandbox: RunningSandbox) -> None:
    customers = sandbox.stripe.v1.customers
    created = await customers.create_async({"email": "ada@example.com", "metadata": {"a": "1"}})
    updated = await customers.update_async(created.id, {"name": "Ada", "metadata": {"b": "2"}})
    intent = await sandbox.authorize(customer=created.id, expand=["customer"])
    listed = await sandbox.stripe.v1.payment_intents.list_async({"customer": created.id})

    expanded: Any = intent.customer
    assert (updated.email, updated.name) == ("ada@example.com", "Ada")
    assert updated.to_dict()["metadata"] == {"a": "1", "b": "2"}
    assert expanded.id == created.id
    assert [one.id for one in listed.data] == [intent.id]


async def test_intent_is_found_by_order_id(sandbox: RunningSandbox) -> None:
    first = await sandbox.authorize(order_id="ord_search_1")
    await sandbox.authorize(order_id="ord_search_2")
    search = sandbox.stripe.v1.payment_intents.search_async

    found = await search({"query": "metadata['order_id']:'ord_search_1'"})
    both = await search({"query": 'metadata["order_id"]:"ord_search_1" AND status:"canceled"'})

    assert [one.id for one in found.data] == [first.id]
    assert both.data == []
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await search({"query": "colour:'red'"})
    assert caught.value.param == "query"


async def test_lists_page_through_all_newest_first(sandbox: RunningSandbox) -> None:
    customer = await sandbox.stripe.v1.customers.create_async({})
    made = [(await sandbox.authorize(customer=customer.id)).id for _ in range(5)]

    first = await sandbox.stripe.v1.payment_intents.list_async(
        {"customer": customer.id, "limit": 2, "created": {"gte": 1}}
    )
    paged = [one.id async for one in first.auto_paging_iter()]
    none = await sandbox.stripe.v1.payment_intents.list_async(
        {"customer": customer.id, "created": {"lt": 1000}}
    )

    assert first.has_more is True
    assert paged == made[::-1]
    assert none.data == []


async def test_update_changes_metadata_at_any_time_and_amount_only_before(
    sandbox: RunningSandbox,
) -> None:
    intent = await sandbox.authorize(order_id="ord_update_1")
    update = sandbox.stripe.v1.payment_intents.update_async

    changed = await update(intent.id, {"metadata": {"order_id": "ord_update_2"}})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await update(intent.id, {"amount": 1})

    assert changed.to_dict()["metadata"] == {"order_id": "ord_update_2"}
    assert caught.value.code == "payment_intent_unexpected_state"
    assert [row["order_id"] for row in await sandbox.ledger(intent.id)] == ["ord_update_2"]
    assert [row["amount"] for row in await sandbox.ledger(intent.id)] == [2000]


async def test_test_payment_method_becomes_a_new_one(sandbox: RunningSandbox) -> None:
    intent = await sandbox.authorize()

    method = await sandbox.stripe.v1.payment_methods.retrieve_async(str(intent.payment_method))

    assert method.id != "pm_card_visa"
    assert method.card is not None
    assert (method.card.brand, method.card.last4) == ("visa", "4242")


async def test_events_of_a_paid_order_are_listed(sandbox: RunningSandbox) -> None:
    intent = await sandbox.authorize()
    await sandbox.stripe.v1.payment_intents.capture_async(intent.id)

    events = await sandbox.stripe.v1.events.list_async({"limit": 5})
    captures = await sandbox.stripe.v1.events.list_async({"types": ["charge.captured"], "limit": 1})
    again = await sandbox.stripe.v1.events.retrieve_async(events.data[0].id)

    assert [event.type for event in events.data] == [
        "payment_intent.succeeded",
        "charge.captured",
        "payment_intent.amount_capturable_updated",
        "charge.succeeded",
        "payment_intent.created",
    ]
    assert captures.data[0].id == events.data[1].id
    assert (again.id, again.data.object["id"]) == (events.data[0].id, intent.id)


async def test_events_are_listed_by_at_most_twenty_types(sandbox: RunningSandbox) -> None:
    types = [f"made.up_{number}" for number in range(21)]
    assert (await sandbox.stripe.v1.events.list_async({"types": types[:20]})).data == []

    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sandbox.stripe.v1.events.list_async({"types": types})
    assert caught.value.param == "types"
