"""A person asks for their data and fetches it."""

from __future__ import annotations

import io
import json
import zipfile
from urllib.parse import urlsplit

from core.domain.ids import Prefix, new_id
from tests.eventually import eventually
from tests.integration.api.conftest import World


async def test_person_fetches_what_is_known(world: World, workers: None) -> None:
    person = await world.person()
    headers = person.headers | {"Idempotency-Key": new_id(Prefix.EVENT)}

    asked = await world.client.post("/v1/me/exports", headers=headers)
    again = await world.client.post("/v1/me/exports", headers=headers)
    path = asked.headers["location"]
    made = await eventually(
        lambda: world.client.get(path, headers=person.headers),
        lambda answer: answer.json()["status"] == "done",
    )
    url = urlsplit(made.json()["download_url"])
    file = await world.client.get(f"{url.path}?{url.query}")

    assert (asked.status_code, asked.json()["status"], asked.json()["download_url"]) == (
        202,
        "queued",
        None,
    )
    assert again.content == asked.content
    with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
        (user,) = json.loads(archive.read("users.json"))
    assert (user["id"], user["email"]) == (person.user_id, person.email)
    assert "password_hash" not in user
