"""What can come together, and which combinations are tried."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Any, Self

from deploy.sandbox.faults import FaultMode
from deploy.sandbox.webhook_modes import WebhookMode


class Life(StrEnum):
    """What becomes of an order."""

    BOUGHT = "bought"
    SHIPPED = "shipped"
    TWO_PARCELS = "two_parcels"
    CANCELED = "canceled"
    REFUNDED = "refunded"
    REFUNDED_IN_PART = "refunded_in_part"
    DECLINED = "declined"
    CHALLENGE_PASSED = "challenge_passed"
    CHALLENGE_FAILED = "challenge_failed"
    ABANDONED = "abandoned"


class Call(StrEnum):
    """What is asked of a payment provider on an order's way."""

    AUTHORIZE = "authorize"
    RETRIEVE = "retrieve"
    FIND = "find"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"
    FIND_REFUNDS = "find_refunds"


IN_LIVES: Mapping[Call, Sequence[Life]] = {
    Call.AUTHORIZE: tuple(Life),
    Call.RETRIEVE: (Life.CHALLENGE_PASSED, Life.CHALLENGE_FAILED, Life.ABANDONED),
    Call.FIND: tuple(Life),
    Call.CAPTURE: (Life.SHIPPED, Life.TWO_PARCELS, Life.REFUNDED),
    Call.VOID: (Life.CANCELED, Life.CHALLENGE_FAILED, Life.ABANDONED),
    Call.REFUND: (Life.REFUNDED, Life.REFUNDED_IN_PART),
    Call.FIND_REFUNDS: (Life.REFUNDED, Life.REFUNDED_IN_PART),
}
"""The lives in which a call is certain to be made, at a provider with authorizations."""

OPERATIONS: Mapping[str, Mapping[Call, str]] = {
    "stripe": {
        Call.AUTHORIZE: "payment_intents.create",
        Call.RETRIEVE: "payment_intents.retrieve",
        Call.FIND: "payment_intents.list",
        Call.CAPTURE: "payment_intents.capture",
        Call.VOID: "payment_intents.cancel",
        Call.REFUND: "refunds.create",
        Call.FIND_REFUNDS: "refunds.list",
    },
    "paystack": {
        Call.AUTHORIZE: "transaction.charge_authorization",
        Call.RETRIEVE: "transaction.verify",
        Call.FIND: "transaction.list",
        # It takes the money at once: a capture looks that it is there, a void gives it back.
        Call.CAPTURE: "transaction.verify",
        Call.VOID: "refund.create",
        Call.REFUND: "refund.create",
        Call.FIND_REFUNDS: "refund.list",
    },
}
"""By what each provider makes a call."""

ONLY_IN_LIVES: Mapping[tuple[str, Call], Sequence[Life]] = {
    # What was never paid is only looked at.
    ("paystack", Call.VOID): (Life.CANCELED,),
}

NAMES_NO_ORDER = frozenset({("stripe", Call.FIND), ("paystack", Call.FIND)})
"""Calls that ask for all payments of a time: a fault strikes whichever order makes one."""


@dataclass(frozen=True, kw_only=True)
class Combination:
    """One troubled order. ``number`` tells it from others that are alike, and varies the rest."""

    provider: str
    life: Life
    call: Call
    fault: FaultMode
    webhooks: WebhookMode
    number: int = 0

    def __str__(self) -> str:
        return "/".join(
            (self.provider, self.life, self.call, self.fault, self.webhooks, str(self.number))
        )

    @classmethod
    def parse(cls, name: str) -> Self:
        """The combination of a name."""
        provider, life, call, fault, webhooks, number = name.split("/")
        return cls(
            provider=provider,
            life=Life(life),
            call=Call(call),
            fault=FaultMode(fault),
            webhooks=WebhookMode(webhooks),
            number=int(number),
        )

    @property
    def operation(self) -> str:
        return OPERATIONS[self.provider][self.call]

    @property
    def names_no_order(self) -> bool:
        return (self.provider, self.call) in NAMES_NO_ORDER


def lives_with(provider: str, call: Call) -> Sequence[Life]:
    """The lives in which the provider is certain to be asked for it."""
    return ONLY_IN_LIVES.get((provider, call), IN_LIVES[call])


def choose(count: int, seed: int) -> list[Combination]:
    """So many combinations, the least tried first: pairs of fault and call, then the rest."""
    dice = random.Random(seed)  # noqa: S311  # which is tried first is no secret
    all_of_them = [
        _parts(provider, life, call, fault, webhooks)
        for provider, calls in OPERATIONS.items()
        for call in calls
        for life, fault, webhooks in product(lives_with(provider, call), FaultMode, WebhookMode)
    ]
    dice.shuffle(all_of_them)
    tried: Counter[object] = Counter()
    chosen = []
    for number in range(count):
        parts = min(all_of_them, key=lambda one: [tried[part] for part in one])
        tried.update(parts)
        provider, life, call, fault, webhooks = parts[-1]
        chosen.append(
            Combination(
                provider=provider,
                life=life,
                call=call,
                fault=fault,
                webhooks=webhooks,
                number=number,
            )
        )
    return chosen


def _parts(
    provider: str, life: Life, call: Call, fault: FaultMode, webhooks: WebhookMode
) -> tuple[Any, ...]:
    """What is spread evenly, the most important first, and the whole of it last."""
    return (
        (fault, call),
        (webhooks,),
        (provider, call),
        (life,),
        (fault, call, webhooks),
        (provider, life, call, fault, webhooks),
    )
