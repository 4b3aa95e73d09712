"""What shoppers do, and what may come of it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

SOLD_OUT_SKU = "MUG-SOLD-OUT"
KEPT_FOR_REHEARSALS = frozenset({"DROP-50", "THROW-OAT", "THROW-INK", "HANGING-1"})
"""The demo leaves these to others: scarce on purpose, or sent by people who are not there."""

MAX_LINES = 3
MAX_QUANTITY = 2


class Outcome(StrEnum):
    """How an order, or the attempt to place it, ended."""

    DELIVERED = "delivered"
    DECLINED = "payment-declined"
    OUT_OF_STOCK = "out-of-stock"
    FAILED = "failed"
    """The order failed after the answer; why is in its timeline."""


class Challenge(StrEnum):
    """What the customer answers to the bank."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """``weight`` is its share of the orders, ``possible`` the outcomes that are right."""

    name: str
    weight: int
    possible: frozenset[Outcome]
    payment_method: str = "pm_card_visa"
    challenge: Challenge | None = None
    sold_out: bool = False


SCENARIOS = (
    Scenario(name="card accepted", weight=80, possible=frozenset({Outcome.DELIVERED})),
    Scenario(
        name="card declined",
        weight=6,
        possible=frozenset({Outcome.DECLINED, Outcome.FAILED}),
        payment_method="pm_card_visa_chargeDeclined",
    ),
    Scenario(
        name="insufficient funds",
        weight=4,
        possible=frozenset({Outcome.DECLINED, Outcome.FAILED}),
        payment_method="pm_card_visa_chargeDeclinedInsufficientFunds",
    ),
    Scenario(
        name="challenge passed",
        weight=5,
        possible=frozenset({Outcome.DELIVERED}),
        payment_method="pm_card_authenticationRequired",
        challenge=Challenge.SUCCEEDED,
    ),
    Scenario(
        name="challenge failed",
        weight=2,
        possible=frozenset({Outcome.FAILED}),
        payment_method="pm_card_authenticationRequired",
        challenge=Challenge.FAILED,
    ),
    Scenario(
        name="sold out",
        weight=3,
        possible=frozenset({Outcome.OUT_OF_STOCK, Outcome.FAILED}),
        sold_out=True,
    ),
)

ADDRESSES = (
    {"name": "Ada Lovelace", "line1": "12 St James's Square", "city": "London", "region": None,
     "postal_code": "SW1Y 4JH", "country": "GB"},
    {"name": "Grace Hopper", "line1": "1 Navy Yard", "city": "Arlington", "region": "VA",
     "postal_code": "22202", "country": "US"},
    {"name": "Konrad Zuse", "line1": "Methfesselstraße 7", "city": "Berlin", "region": None,
     "postal_code": "10965", "country": "DE"},
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Errand:
    """One order to place: the scenario and the body of ``POST /v1/checkouts``."""

    number: int
    scenario: Scenario
    checkout: Mapping[str, object]


def plan_errands(
    orders: int, *, skus: Sequence[str], seed: int, challenges: bool = True
) -> list[Errand]:
    """Draw the orders of a run; the same seed draws the same ones.

    Args:
        orders: how many.
        skus: what is in stock.
        seed: of the mixture.
        challenges: false when nobody can answer the bank: the provider is a real one.
    """
    dice = random.Random(seed)  # noqa: S311  # a repeatable mixture, nothing secret
    known = [scenario for scenario in SCENARIOS if challenges or scenario.challenge is None]
    drawn = list(known) if orders >= 2 * len(known) else []
    weights = [scenario.weight for scenario in known]
    drawn += dice.choices(known, weights=weights, k=orders - len(drawn))
    dice.shuffle(drawn)
    return [
        Errand(number=number, scenario=scenario, checkout=_checkout(scenario, skus, dice))
        for number, scenario in enumerate(drawn, start=1)
    ]


def _checkout(scenario: Scenario, skus: Sequence[str], dice: random.Random) -> dict[str, object]:
    chosen = dice.sample(skus, k=dice.randint(1, min(MAX_LINES, len(skus))))
    if scenario.sold_out:
        chosen = [*chosen[:-1], SOLD_OUT_SKU]
    return {
        "items": [{"sku": sku, "quantity": dice.randint(1, MAX_QUANTITY)} for sku in chosen],
        "currency": "USD",
        "shipping_address": {**dice.choice(ADDRESSES), "line2": None, "phone": None},
        "shipping_method": dice.choice(("standard", "express")),
        "payment": {"provider": "stripe", "payment_method": scenario.payment_method},
        "hold_id": None,
        "promotion_code": None,
    }
