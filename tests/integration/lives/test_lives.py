"""Random lives of orders: any step, in any order, any number of times, and every promise after it.

``make test`` takes the same steps each time; ``make test-deep`` takes others, as many as are asked
for with ``PERDURE_LIVES_STEPS``.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import settings as how
from hypothesis.stateful import run_state_machine_as_test
from pydantic import SecretStr

from core.settings import Settings
from tests.integration.lives.change_rules import ChangeRules
from tests.integration.lives.life import Life
from tests.integration.lives.world import World

STEPS = 2_000
STEPS_OF_A_LIFE = 50
PATIENCE_SECONDS = 0.5


TAKEN = {
    "authorize_payment",
    "begin_dispatch",
    "capture_part",
    "complete_order",
    "confirm_order",
    "hand_over_shipment",
    "open_return",
    "plan_fulfillment",
    "request_cancellation",
    "send_refund_part",
    "settle_fulfillment",
    "track_shipment",
}
"""Lives in which none of these happen would prove nothing."""


class Lives(ChangeRules):
    """Everything that can happen to an order."""


@pytest.fixture
def world(settings: Settings, database_url: str, sandbox_url: str) -> Iterator[World]:
    postgres = settings.postgres.model_copy(update={"url": SecretStr(database_url)})
    # An answer that never comes is waited for until this time is over.
    stripe = settings.stripe.model_copy(update={"timeout_seconds": PATIENCE_SECONDS})
    tuned = settings.model_copy(update={"postgres": postgres, "stripe": stripe})
    with World(tuned, sandbox_url) as world:
        yield world


@pytest.mark.timeout(0)
def test_random_lives_of_orders_keep_every_promise(world: World) -> None:
    wanted = int(os.environ.get("PERDURE_LIVES_STEPS", STEPS))
    Life.world, Life.steps, Life.outcomes = world, 0, Counter()

    # Hypothesis ends some lives early, so there are a few more of them, and steps are counted.
    lives = wanted * 3 // (STEPS_OF_A_LIFE * 2)
    run_state_machine_as_test(
        Lives,
        settings=how(
            max_examples=lives,
            stateful_step_count=STEPS_OF_A_LIFE,
            deadline=None,
            derandomize=wanted == STEPS,
            database=None,
            phases=(Phase.generate,) if wanted == STEPS else (Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )

    assert Life.steps >= wanted
    assert set(Life.outcomes) >= TAKEN
