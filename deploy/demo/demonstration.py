"""The whole run: customers, orders, progress, figures."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from core.settings import Settings
from deploy.demo.figures import print_figures
from deploy.demo.journey import Journey, Traveler
from deploy.demo.scenarios import KEPT_FOR_REHEARSALS, Errand, plan_errands
from deploy.demo.shop import Pace, Shop
from deploy.local.errors import StackError
from deploy.verification.printing import sandbox_of

CUSTOMERS = 8
POLLS_PER_SECOND = 50.0
PATIENCE_SECONDS = 300.0
"""For the parcel of a single order; every other order in front of it may take one more."""


async def command(
    settings: Settings, *, orders: int, concurrency: int, seed: int, console: Console
) -> int:
    """Place ``orders`` with ``concurrency`` at once, follow them, print; return the exit code.

    Raises:
        StackError: the API does not answer, or sells nothing.
    """
    sandbox_url = sandbox_of(settings)
    async with Shop(settings.api.public_url, sandbox_url, connections=concurrency + 8) as shop:
        try:
            skus = [sku for sku in await shop.skus_in_stock() if sku not in KEPT_FOR_REHEARSALS]
            tokens = await _customers(shop, min(CUSTOMERS, concurrency))
        except httpx.HTTPError as error:
            raise StackError(
                f"The API at {settings.api.public_url} does not answer as it should: {error}",
                hint="See `perdure status`, or start it with `perdure up`.",
            ) from error
        if not skus:
            raise StackError("Nothing is in stock", hint="Start anew with `perdure reset`.")
        errands = plan_errands(orders, skus=skus, seed=seed, challenges=sandbox_url is not None)
        journeys, placing_seconds = await _travel(shop, tokens, errands, concurrency, console)
    print_figures(journeys, placing_seconds=placing_seconds, console=console)
    return 0 if all(journey.is_possible for journey in journeys) else 1


async def _customers(shop: Shop, count: int) -> list[str]:
    run = secrets.token_hex(4)
    return await asyncio.gather(
        *(
            shop.new_customer(f"shopper-{run}-{n}@demo.perdure.dev", secrets.token_urlsafe(18))
            for n in range(count)
        )
    )


async def _travel(
    shop: Shop,
    tokens: Sequence[str],
    errands: Sequence[Errand],
    concurrency: int,
    console: Console,
) -> tuple[list[Journey], float]:
    run, pace = secrets.token_hex(6), Pace(POLLS_PER_SECOND)
    travelers = [
        Traveler(
            shop, token=token, run=run, pace=pace, patience_seconds=PATIENCE_SECONDS + len(errands)
        )
        for token in tokens
    ]
    places = asyncio.Semaphore(concurrency)
    started = last_placed = time.perf_counter()
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    ) as progress:
        placed = progress.add_task("answered", total=len(errands))
        ended = progress.add_task("at their end", total=len(errands))

        def count_placed() -> None:
            nonlocal last_placed
            last_placed = time.perf_counter()
            progress.advance(placed)

        async def travel(errand: Errand) -> Journey:
            traveler = travelers[errand.number % len(travelers)]
            journey = await traveler.travel(errand, places=places, on_placed=count_placed)
            progress.advance(ended)
            return journey

        journeys = await asyncio.gather(*(travel(errand) for errand in errands))
    return journeys, max(last_placed - started, 0.001)
