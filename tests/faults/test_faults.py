"""Seeded combinations of troubles, a batch of orders at once: one order, one charge, same books."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence

import pytest

from tests.faults.combination import Combination, choose
from tests.faults.judge import complaints
from tests.faults.lives import drafted
from tests.faults.trouble import make_trouble, until_quiet
from tests.workflows.platform import Platform

COMBINATIONS = 60
SEED = 4


def chosen() -> list[Combination]:
    only = os.environ.get("PERDURE_FAULTS_ONLY")
    if only:
        return [Combination.parse(name) for name in only.split()]
    count = int(os.environ.get("PERDURE_FAULTS_COMBINATIONS", COMBINATIONS))
    return choose(count, int(os.environ.get("PERDURE_FAULTS_SEED", SEED)))


def batches() -> list[list[Combination]]:
    """As many at once as one machine lives through in the time that deadlines leave."""
    wanted = chosen()
    return [wanted[n : n + COMBINATIONS] for n in range(0, len(wanted), COMBINATIONS)]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("batch", batches(), ids=lambda batch: f"from_{batch[0].number}")
async def test_troubled_orders_are_charged_once_and_booked_as_the_provider_has_them(
    platform: Platform, batch: Sequence[Combination]
) -> None:
    begin = time.time()
    troubled = [await drafted(one, platform.shop, platform.outside) for one in batch]
    for one in troubled:
        await make_trouble(one)

    ends = await asyncio.gather(*(one.live() for one in troubled), return_exceptions=True)
    found = [
        f"{one.combination}: {type(end).__name__}: {end}"
        for one, end in zip(troubled, ends, strict=True)
        if end is not None
    ]
    await until_quiet(platform, begin)
    found += await complaints(platform, troubled)
    found += [f"never struck: {fault}" for fault in await platform.outside.faults()]
    assert not found, _report(found)


def _report(found: Sequence[str]) -> str:
    return "\n".join([*found, "alone: PERDURE_FAULTS_ONLY='<name>' .venv/bin/pytest tests/faults"])
