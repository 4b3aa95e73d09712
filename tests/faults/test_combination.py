from __future__ import annotations

from itertools import product

from deploy.sandbox.control_requests import OPERATIONS as SANDBOX_OPERATIONS
from deploy.sandbox.faults import FaultMode
from deploy.sandbox.webhook_modes import WebhookMode
from tests.faults.combination import OPERATIONS, Call, Combination, Life, choose


def test_sixty_combinations_hold_every_value_and_every_fault_at_every_call() -> None:
    for seed in range(2):
        chosen = choose(60, seed)
        assert {(one.fault, one.call) for one in chosen} == set(product(FaultMode, Call))
        assert {one.life for one in chosen} == set(Life)
        assert {one.webhooks for one in chosen} == set(WebhookMode)
        assert {one.provider for one in chosen} == set(OPERATIONS)


def test_five_hundred_hold_every_fault_at_every_call_with_every_webhook_mode() -> None:
    chosen = choose(500, 1)
    triples = {(one.fault, one.call, one.webhooks) for one in chosen}
    assert triples == set(product(FaultMode, Call, WebhookMode))


def test_same_seed_chooses_the_same_and_a_name_tells_all_of_it() -> None:
    assert choose(60, 7) == choose(60, 7) != choose(60, 8)
    for one in choose(60, 7):
        assert Combination.parse(str(one)) == one


def test_every_operation_is_one_of_the_sandbox() -> None:
    for provider, calls in OPERATIONS.items():
        assert set(calls.values()) <= SANDBOX_OPERATIONS[provider]
