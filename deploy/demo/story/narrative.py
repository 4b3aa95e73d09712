"""The story told from beginning to end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
from rich.console import Console
from rich.markup import escape

from core.domain.money import Money
from core.settings import Settings
from deploy.demo.story import buying, coming_back, ending, sending
from deploy.demo.story.ending import Ending
from deploy.demo.story.people import Cast, Json, NotAsToldError, Person, on_stage
from deploy.local.errors import StackError
from deploy.verification.printing import sandbox_of

MOVED = {"returned": "Back on the shelf", "written_off": "Came back damaged and is written off"}
TOLD_BY_PEOPLE = ("staff:", "vendor:", "customer:")


async def command(settings: Settings, *, console: Console) -> int:
    """Live the life of one order and print it; return the exit code.

    Raises:
        StackError: there is no sandbox, or the API does not answer.
    """
    sandbox_url = sandbox_of(settings)
    if sandbox_url is None:
        raise StackError(
            "The story needs the sandbox: in it a parcel is lost",
            hint="Start a platform with `perdure up`, without an address of Stripe.",
        )
    try:
        async with on_stage(settings.api.public_url, sandbox_url) as cast:
            await _tell(cast, console)
    except NotAsToldError as error:
        console.print(f"\n[red]Not as told:[/red] {escape(str(error))}", soft_wrap=True)
        return 1
    except httpx.HTTPError as error:
        raise StackError(
            f"The platform does not answer as it should: {error}",
            hint="See `perdure status`, or start it with `perdure up`.",
        ) from error
    return 0


class _Teller:
    """Numbers the chapters and prints what happened in them."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._chapter = 0

    def chapter(self, title: str) -> None:
        self._chapter += 1
        self._console.print(f"\n[bold]{self._chapter}. {title}[/bold]")

    def say(self, words: str) -> None:
        self._console.print(f"  {escape(words)}", soft_wrap=True)


async def _tell(cast: Cast, console: Console) -> None:
    teller = _Teller(console)
    customer, order = await _buy(cast, teller)
    await _send(cast, customer, order, teller)
    returns = await _come_back(cast, customer, order, teller)
    teller.chapter("What remains")
    seen = await ending.look_back(cast, customer, order["id"], returns)
    _print_ending(seen, teller)
    console.print(f"\n[green]As told.[/green] `perdure ops explain {seen.order['number']}`")


async def _buy(cast: Cast, teller: _Teller) -> tuple[Person, Json]:
    teller.chapter("A guest fills a cart")
    await buying.fill_shelves(cast.staff)
    first, second = buying.SHELVES
    teller.say(f"Staff count {buying.BY_HAND}: {first} in one warehouse, {second} in the other.")
    cart = await buying.fill_cart(cast.guest)
    teller.say(f"Cart {cart['id']}: {_goods(cart['items'])}; {_money(cart['subtotal'])}.")

    teller.chapter("The guest signs in and pays")
    customer, cart = await buying.become_customer(cast, cart)
    teller.say(f"The goods are in the customer's cart {cart['id']}, with {cart['promotion_code']}.")
    order = await buying.check_out(customer, cart)
    teller.say(f"Order {order['number']} ({order['id']}) is {order['status']}.")
    teller.say(
        f"{_money(order['subtotal'])} - {_money(order['discount'])} discount"
        f" + {_money(order['shipping'])} shipping + {_money(order['tax'])} tax"
        f" = {_money(order['total'])}, authorized in one payment."
    )
    return customer, order


async def _send(cast: Cast, customer: Person, order: Json, teller: _Teller) -> None:
    teller.chapter("The order becomes parcels")
    for parcel in await sending.plan_of(customer, order["id"]):
        teller.say(f"Parcel {parcel['number']} ({parcel['id']}): {_goods(parcel['items'])}.")

    teller.chapter("A vendor packs by hand, one parcel in two")
    for parcel in await sending.pack_in_two(cast.maker, order["id"]):
        teller.say(f"Parcel {parcel['number']}: {_goods(parcel['items'])}, {parcel['status']}.")

    teller.chapter("A parcel is lost")
    stuck = await sending.lose(cast, customer, order["id"], buying.TEE)
    teller.say(f"Staff see among the stuck orders: {stuck['reason']}.")
    teller.say(f"They can {' or '.join(stuck['actions'])}.")
    parcel = await sending.send_again(cast.staff, order["id"], stuck)
    teller.say(
        f"They send it again: parcel {parcel['number']}, {_goods(parcel['items'])},"
        f" {parcel['status']}; because {sending.LOST_REASON}."
    )

    teller.chapter("Everything arrives")
    delivered = await sending.deliver(cast, customer, order["id"])
    teller.say(f"The order is {delivered['status']}, its payment {delivered['payment_status']}.")


async def _come_back(cast: Cast, customer: Person, order: Json, teller: _Teller) -> list[Json]:
    teller.chapter("Two of three come back")
    returned = await coming_back.return_two_tees(cast, customer, order)
    (item,) = returned["items"]
    teller.say(
        f"Return {returned['id']}: {item['sellable_quantity']} {item['sku']} can be sold again,"
        f" {item['damaged_quantity']} cannot; {_money(returned['refund'])} go back."
    )

    teller.chapter("One is exchanged for another")
    exchanged, _ = await coming_back.exchange_notebook(cast, customer, order)
    (item,) = exchanged["items"]
    teller.say(
        f"Return {exchanged['id']}: {item['sku']} was damaged, {item['exchange_sku']} is"
        f" delivered instead; it costs less, {_money(exchanged['refund'])} go back."
    )
    return [returned, exchanged]


def _print_ending(seen: Ending, teller: _Teller) -> None:
    order = seen.order
    refunded = Money(amount=seen.refunded, currency=order["total"]["currency"])
    teller.say(f"Captured {_money(order['total'])}, the total; refunded {refunded}.")
    for movement in seen.restocked:
        if words := MOVED.get(movement["reason"]):
            teller.say(f"{words}: {abs(movement['delta'])} {movement['sku']}.")
    people = [one for one in seen.timeline if one["actor"].startswith(TOLD_BY_PEOPLE)]
    teller.say(f"The timeline has {len(seen.timeline)} entries; {len(people)} are of people:")
    for entry in people:
        detail = f" ({entry['detail']})" if entry["detail"] else ""
        who = entry["actor"].partition(":")[0]
        teller.say(f"  {entry['at'][11:19]} {who}: {entry['title']}{detail}")


def _goods(items: list[Json]) -> str:
    return ", ".join(f"{item['quantity']} x {item['sku']}" for item in items)


def _money(money: Mapping[str, Any]) -> str:
    return str(Money(amount=money["amount"], currency=money["currency"]))
