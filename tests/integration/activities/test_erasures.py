"""A person is taken out of every table; the steps of it, each run twice."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from activities.erasures import PostgresErasureActivities
from core.domain.errors import ConflictError
from core.domain.ids import Prefix, new_id
from core.resources import Resources, open_resources
from core.settings import Settings
from models.personal_map import PERSONAL
from models.repositories import account_messages, erasures, personal_data
from models.repositories.invariants import rows_that_break
from models.repositories.invariants.people import PEOPLE
from tests.integration.activities.test_twice import twice
from tests.remembered import Remembered, remember, where_is
from workflows.ports.personal_data import ErasureRef

ORDER = text("""
SELECT shipping_address, total_amount, email FROM orders WHERE id = :id
""")


@pytest.fixture
async def resources(settings: Settings, database_url: str) -> AsyncIterator[Resources]:
    postgres = settings.postgres.model_copy(update={"url": SecretStr(database_url)})
    async with open_resources(settings.model_copy(update={"postgres": postgres})) as opened:
        yield opened
        for invariant in PEOPLE:
            assert await rows_that_break(opened.database, invariant) == []


@pytest.fixture
def steps(resources: Resources) -> PostgresErasureActivities:
    return PostgresErasureActivities(resources.database, resources.objects, resources.settings)


async def asked(resources: Resources, person: Remembered) -> ErasureRef:
    async with resources.database.transaction() as session:
        erasure = await erasures.request(
            session, person.user_id, actor=f"customer:{person.user_id}", reason=person.mark
        )
    return ErasureRef(erasure_id=erasure.id, user_id=person.user_id)


async def test_forgotten_person_is_found_in_no_table_and_others_stay(
    resources: Resources, steps: PostgresErasureActivities
) -> None:
    database = resources.database
    person, other = await remember(resources), await remember(resources)
    ref = await asked(resources, person)
    before, others = await where_is(database, person.mark), await where_is(database, other.mark)
    file = f"{personal_data.folder(person.user_id)}exp_1/data.zip"
    await resources.objects.put(file, person.mark.encode(), content_type="application/zip")

    await twice(steps.delete_files, ref)
    await twice(steps.forget_person, ref)
    await twice(steps.end_erasure, ref)

    assert set(before) == {table.name for table in PERSONAL} - {"order_items", "erasures"}
    assert await where_is(database, person.mark) == {}
    assert await where_is(database, other.mark) == others
    assert await resources.objects.head(file) is None


async def test_what_the_law_asks_for_stays_without_its_person(
    resources: Resources, steps: PostgresErasureActivities
) -> None:
    person = await remember(resources)
    ref = await asked(resources, person)
    (before,) = await resources.database.statement(ORDER, {"id": person.order_id})

    await steps.forget_person(ref)
    await steps.forget_person(ref)
    await steps.end_erasure(ref)
    (order,) = await resources.database.statement(ORDER, {"id": person.order_id})
    (guests,) = await resources.database.statement(ORDER, {"id": person.guests_order_id})
    erasure = await erasures.get(resources.database, person.user_id)

    assert order["total_amount"] == before["total_amount"]
    assert order["shipping_address"] == guests["shipping_address"]
    assert order["shipping_address"] == {
        "name": "",
        "line1": "",
        "line2": None,
        "city": "",
        "region": "CA",
        "postal_code": "",
        "country": "US",
        "phone": None,
    }
    assert (order["email"], guests["email"]) == (None, "")
    assert {name: erasure.kept[name] for name in ("orders", "payments", "refunds")} == {
        "orders": 2,
        "payments": 2,
        "refunds": 1,
    }
    assert erasure.kept["until"] > "2036-01-01"


async def test_open_business_is_counted_until_it_has_ended(
    resources: Resources, steps: PostgresErasureActivities
) -> None:
    person = await remember(resources)
    ref = await asked(resources, person)
    change = "UPDATE {} SET status = '{}' WHERE order_id = :id"
    open_ = {"returns": "approved", "refunds": "pending", "disputes": "under_review"}
    for table, status in open_.items():
        await resources.database.statement(
            text(change.format(table, status)), {"id": person.order_id}
        )

    business = await twice(steps.look_for_open_business, ref)
    waiting = (await erasures.get(resources.database, person.user_id)).status
    for table in open_:
        ended = {"returns": "expired", "refunds": "failed", "disputes": "lost"}[table]
        await resources.database.statement(
            text(change.format(table, ended)), {"id": person.order_id}
        )

    assert business.counts == {"returns": 1, "refunds": 1, "disputes": 1}
    assert waiting == "waiting"
    assert (await twice(steps.look_for_open_business, ref)).counts == {}
    assert (await erasures.get(resources.database, person.user_id)).status == "erasing"


async def test_farewell_goes_to_a_proven_address_alone(
    resources: Resources, steps: PostgresErasureActivities
) -> None:
    person = await remember(resources)
    ref = await asked(resources, person)

    farewell = await twice(steps.write_farewell, ref)
    message = await account_messages.find(resources.database, farewell.message_id)
    await resources.database.statement(
        text("UPDATE users SET email_verified_at = NULL, phone = NULL WHERE id = :id"),
        {"id": person.user_id},
    )
    silent = await twice(steps.write_farewell, ref)

    assert message is not None
    assert (message.kind, message.recipient) == ("account_erased", person.email)
    assert silent.message_id is None


@pytest.mark.parametrize(
    ("role", "rights"),
    [
        ("vendor", "vendor_id = :vendor, vendor_rank = 'owner'"),
        ("staff", "permissions = '[\"people:write\"]'"),
    ],
)
async def test_last_one_who_may_is_not_forgotten(
    resources: Resources, role: str, rights: str
) -> None:
    person, vendor_id = await remember(resources), new_id(Prefix.VENDOR)
    await resources.database.statement(
        text("INSERT INTO vendors (id, name, slug) VALUES (:id, 'V', :id)"), {"id": vendor_id}
    )
    sql = f"UPDATE users SET role = '{role}', {rights} WHERE id = :id"  # noqa: S608  # of this file
    parameters = {"id": person.user_id} | ({"vendor": vendor_id} if ":vendor" in sql else {})
    await resources.database.statement(text(sql), parameters)

    with pytest.raises(ConflictError):
        await asked(resources, person)

    rows = await resources.database.statement(
        text("SELECT disabled_at FROM users WHERE id = :id"), {"id": person.user_id}
    )
    assert rows[0]["disabled_at"] is None
