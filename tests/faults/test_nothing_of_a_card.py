"""Orders with a failing provider leave no card number, no key and no secret where none belongs."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Iterable

import httpx
import pytest
from sqlalchemy import text

from api.app import create_app
from core.domain.ids import Prefix, new_id
from core.logs import quieten_libraries
from models import ShippingOption, TaxRule
from models.catalogue import EVERYWHERE
from tests.eventually import eventually
from tests.integration.api.conftest import Person, World, checkout_body
from tests.shop import Shelf
from tests.workflows.platform import Platform

VISA = "4242424242424242"
AMEX = "378282246310005"
SENT = (VISA, "4242-4242-4242-4242", "4242 4242 4242 4242", AMEX, "4242_4242_4242_4242")

_COLUMNS = text("""
SELECT table_name, column_name, data_type FROM information_schema.columns
WHERE table_schema = 'public' AND data_type IN
    ('text', 'character varying', 'json', 'jsonb', 'ARRAY', 'bytea')
ORDER BY 1, 2
""")


@pytest.fixture
async def world(platform: Platform) -> AsyncIterator[World]:
    resources = platform.resources
    async with resources.database.transaction() as session:
        session.add(TaxRule(country="US", basis_points=800))
        session.add(
            ShippingOption(method="standard", zone_id=EVERYWHERE, currency="USD", amount=500)
        )
    made = World(create_app(resources.settings, resources), resources)
    async with made.client:
        yield made


async def buy(world: World, customer: Person, shelf: Shelf, method: str) -> httpx.Response:
    payment = {"provider": "stripe", "payment_method": method}
    return await world.client.post(
        "/v1/checkouts",
        json=checkout_body(shelf, payment=payment),
        headers={**customer.headers, "Idempotency-Key": new_id(Prefix.EVENT)},
    )


async def test_card_number_is_refused_and_nothing_secret_is_kept_or_logged(
    platform: Platform,
    world: World,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    quieten_libraries()
    shelf, customer = await world.shop.stock_up(50), await world.person()
    before = await world.count_rows()
    for number in SENT:
        refused = await buy(world, customer, shelf, number)
        assert refused.status_code == 422, refused.text
        (error,) = refused.json()["errors"]
        assert error == {
            "pointer": "/payment/payment_method",
            "detail": "a card number is not taken: send the token that the payment provider gave"
            " for it",
        }
    assert await world.count_rows() == before

    orders, client_secret = await troubled_orders(platform, world, customer, shelf)
    for number in SENT:
        other = await world.client.post(
            f"/v1/orders/{orders[0]}/payment",
            json={"payment": {"provider": "stripe", "payment_method": number}},
            headers={**customer.headers, "Idempotency-Key": "another-card"},
        )
        assert other.status_code == 422, other.text

    keys = secrets_of(platform)
    texts, histories = await all_texts(platform), await all_histories(platform, orders)
    # The search finds what is there: the client's secret is kept for the client, and only here.
    assert holds(texts, [client_secret, "pm_card_visa"]) == [client_secret, "pm_card_visa"]
    assert holds(histories, [*orders, "pi_"]) == [*orders, "pi_"]
    printed = capfd.readouterr()
    logs = (caplog.text + printed.out + printed.err).encode()
    assert holds(texts, [VISA, AMEX, *keys]) == []
    assert holds(histories, [VISA, AMEX, *keys, client_secret]) == []
    assert holds(logs, [VISA, AMEX, *keys, client_secret]) == []


async def troubled_orders(
    platform: Platform, world: World, customer: Person, shelf: Shelf
) -> tuple[list[str], str]:
    """An order whose provider was down and then lost an answer, a challenge, and a decline.

    The first two with the secret by which the client answers the challenge.
    """
    challenged = await buy(world, customer, shelf, "pm_card_authenticationRequired")
    assert challenged.json()["status"] == "requires_action", challenged.text
    declined = await buy(world, customer, shelf, "pm_card_chargeDeclined")
    assert declined.status_code == 402, declined.text

    for mode in ("error_500", "error_429", "timeout_after_effect"):
        await platform.outside.fault("stripe", "payment_intents.create", mode, latency_ms=0)
    troubled = await buy(world, customer, shelf, "pm_card_visa")
    assert troubled.status_code in {201, 202}, troubled.text
    order_id = str(troubled.json()["id"])
    await eventually(
        lambda: world.shop.status(order_id), lambda status: status == "shipped", within_seconds=60
    )
    asked = challenged.json()
    return [order_id, str(asked["id"])], str(asked["next_action"]["client_secret"])


def secrets_of(platform: Platform) -> list[str]:
    settings = platform.resources.settings
    held = (
        settings.stripe.api_key,
        settings.carrier.api_key,
        settings.auth.jwt_key,
        *settings.stripe.webhook_secrets,
        *settings.carrier.webhook_secrets,
    )
    return [secret.get_secret_value() for secret in held]


async def all_texts(platform: Platform) -> bytes:
    """Every text, document and list in every table, the outbox and the idempotency records too."""
    database = platform.shop.database
    found: list[str] = []
    for column in await database.statement(_COLUMNS, {}):
        name, table = f'"{column["column_name"]}"', column["table_name"]
        readable = f"encode({name}, 'escape')" if "bytea" in column.values() else f"{name}::text"
        rows = await database.statement(
            text(f"SELECT {readable} AS value FROM {table} WHERE {name} IS NOT NULL"),  # noqa: S608  # names of our tables
            {},
        )
        found.extend(row["value"] for row in rows)
    assert len(found) > 100
    return "\n".join(found).encode()


async def all_histories(platform: Platform, orders: Iterable[str]) -> bytes:
    """Every event of every workflow of the orders, as Temporal keeps it."""
    temporal = platform.shop.temporal
    found = []
    for order_id in orders:
        workflows = [run async for run in temporal.list_workflows(f"PerdureOrderId = '{order_id}'")]
        assert workflows
        for run in workflows:
            handle = temporal.get_workflow_handle(run.id, run_id=run.run_id)
            found.extend(
                [event.SerializeToString() async for event in handle.fetch_history_events()]
            )
    return b"\n".join(found)


def holds(haystack: bytes, needles: Iterable[str]) -> list[str]:
    """Which of them are there, with or without what separates groups of digits."""
    plain = re.sub(rb"(?<=\d)[ ._-](?=\d)", b"", haystack)
    return [needle for needle in needles if needle.encode() in haystack or needle.encode() in plain]
