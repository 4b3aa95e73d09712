"""Place one order over HTTP, as any client would: the proof that the whole platform works."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from deploy.local.errors import StackError

TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class Shopper:
    """A signed-in demo customer and the body of a checkout that the catalogue can serve."""

    access_token: str
    checkout: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class FirstOrder:
    """``timeline`` has the entries of ``GET /v1/orders/{id}/timeline``, oldest first."""

    order: dict[str, Any]
    timeline: list[dict[str, Any]]


def api_client(api_url: str) -> httpx.AsyncClient:
    """A client of the API at ``api_url``."""
    return httpx.AsyncClient(base_url=api_url, timeout=TIMEOUT_SECONDS)


async def sign_in(client: httpx.AsyncClient, account: Mapping[str, str]) -> Shopper:
    """Log in as a demo customer and choose a variant that is in stock.

    Raises:
        StackError: the API refused, or nothing is for sale.
    """
    login = {"email": account["email"], "password": account["password"]}
    tokens = await _answer(client, "POST", "/v1/auth/login", json=login)
    products = await _answer(client, "GET", "/v1/products", params={"limit": "100"})
    for product in products["data"]:
        for variant in product["variants"]:
            if variant["available"]:
                return Shopper(
                    access_token=tokens["access_token"],
                    checkout=_checkout(variant["sku"], variant["price"]["currency"]),
                )
    raise StackError("The demo catalogue has nothing in stock", hint="Start anew: perdure reset")


async def place_first_order(client: httpx.AsyncClient, shopper: Shopper) -> FirstOrder:
    """Check out, and read what happened.

    Raises:
        StackError: the API refused.
    """
    who = {"Authorization": f"Bearer {shopper.access_token}"}
    key = {"Idempotency-Key": f"first-order-{uuid.uuid4()}"}
    order = await _answer(client, "POST", "/v1/checkouts", json=shopper.checkout, headers=who | key)
    timeline = await _answer(client, "GET", f"/v1/orders/{order['id']}/timeline", headers=who)
    return FirstOrder(order=order, timeline=timeline["data"])


async def _answer(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    *,
    json: Mapping[str, Any] | None = None,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    try:
        response = await client.request(method, path, json=json, params=params, headers=headers)
    except httpx.HTTPError as error:
        raise StackError(
            f"{method} {path} got no answer: {error}", hint="See `perdure logs api`."
        ) from error
    if response.is_error:
        raise StackError(
            f"{method} {path} was answered with {response.status_code}: {response.text[:300]}",
            hint="See `perdure logs api`.",
        )
    answer: dict[str, Any] = response.json()
    return answer


def _checkout(sku: str, currency: str) -> dict[str, Any]:
    return {
        "items": [{"sku": sku, "quantity": 1}],
        "currency": currency,
        "shipping_address": {
            "name": "Ada Lovelace",
            "line1": "12 St James's Square",
            "line2": None,
            "city": "Springfield",
            "region": "IL",
            "postal_code": "62701",
            "country": "US",
            "phone": None,
        },
        "shipping_method": "standard",
        "payment": {"provider": "stripe", "payment_method": "pm_card_visa"},
        "hold_id": None,
        "promotion_code": None,
    }
