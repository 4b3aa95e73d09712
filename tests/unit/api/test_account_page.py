from __future__ import annotations

import hashlib
from base64 import b64encode

import httpx
import pytest

from activities.account_texts import TEXTS
from api.account_page import PAGES
from api.app import create_app
from core.settings import Settings
from tests.policies import POLICIES


def test_every_link_of_a_message_leads_to_a_page_that_calls_a_route() -> None:
    assert {text.page for text in TEXTS.values() if text.page} == PAGES.keys()
    assert {f"POST {call}" for _, call, _ in PAGES.values()} <= POLICIES.keys()


@pytest.mark.parametrize("name", PAGES)
async def test_page_runs_its_own_script_alone_and_loads_nothing(name: str) -> None:
    app = create_app(Settings(_env_file=None))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
        app.state.limiter = _Unlimited()
        answer = await client.get(f"/account/{name}")

    script = answer.text.partition("<script>")[2].partition("</script>")[0]
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = answer.headers["content-security-policy"]
    assert answer.status_code == 200
    assert f"script-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none';")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "http" not in answer.text.replace("<!doctype html>", "").replace("<html", "")


class _Unlimited:
    async def hit(self, _item: object, _who: str) -> None:
        """No Redis."""
