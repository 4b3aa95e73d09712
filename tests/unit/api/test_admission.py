from __future__ import annotations

import asyncio
import time

from api import admission
from api.admission import HOLD_SECONDS, LEAST_SECONDS, Admission


async def test_places_taken_makes_the_next_wait_until_one_leaves() -> None:
    line = Admission(1)
    leave, in_line = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with line.turn(5):
            await leave.wait()

    async def second() -> float:
        in_line.set()
        async with line.turn(5) as seconds_left:
            return seconds_left

    one = asyncio.create_task(first())
    await asyncio.sleep(0)
    two = asyncio.create_task(second())
    await in_line.wait()
    since = time.monotonic()
    done, _ = await asyncio.wait({two}, timeout=0.05)
    assert not done
    waited = time.monotonic() - since
    leave.set()
    assert LEAST_SECONDS <= await two <= 5 - waited
    await one


async def test_slow_one_gives_its_place_to_the_next() -> None:
    line = Admission(1)
    leave = asyncio.Event()

    async def slow() -> None:
        async with line.turn(5):
            await leave.wait()

    one = asyncio.create_task(slow())
    await asyncio.sleep(0)
    async with line.turn(5) as seconds_left:
        assert not one.done()
        assert seconds_left <= 5 - HOLD_SECONDS
    leave.set()
    await one
    async with line.turn(5) as seconds_left:
        assert seconds_left > 5 - HOLD_SECONDS  # the one place is free again


async def test_long_line_leaves_the_least_of_the_budget() -> None:
    line = Admission(1)
    leave = asyncio.Event()

    async def slow() -> None:
        async with line.turn(5):
            await leave.wait()

    one = asyncio.create_task(slow())
    await asyncio.sleep(0)
    async with line.turn(HOLD_SECONDS) as seconds_left:
        assert seconds_left == LEAST_SECONDS
    leave.set()
    await one


async def test_end_of_patience_goes_on_without_a_place() -> None:
    line = Admission(1)
    patience = admission.PATIENCE_SECONDS
    async with line.turn(5):
        admission.PATIENCE_SECONDS = 0.01
        try:
            async with line.turn(5) as seconds_left:
                assert seconds_left == LEAST_SECONDS
        finally:
            admission.PATIENCE_SECONDS = patience
