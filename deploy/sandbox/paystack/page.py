"""The page on which a customer pays, for people who try the platform in a browser."""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from deploy.sandbox.paystack.context import TRANSACTION, Context, Record
from deploy.sandbox.paystack.errors import PaystackError
from deploy.sandbox.paystack.transactions import answer_challenge
from deploy.sandbox.sandbox import Sandbox
from deploy.sandbox.transaction import Transaction

_DECIMALS = 100
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sandbox of Paystack</title></head>
<body style="font: 16px sans-serif; max-width: 30em; margin: 4em auto">
<h1>Pay {amount}</h1>
<p>This is the sandbox: no money moves. {email}</p>
<form method="post">
<button name="outcome" value="pay">Pay</button>
<button name="outcome" value="decline">Let the bank decline</button>
</form></body></html>
"""


class CheckoutPage:
    """The two handlers; the address is known only to whom it was given."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def show(self, request: Request) -> Response:
        def read(transaction: Transaction) -> Record:
            return _open(_context(transaction), request)

        try:
            found = await self._sandbox.act(read)
        except PaystackError as error:
            return HTMLResponse(escape(str(error)), status_code=404)
        wire = found.wire
        whole, hundredths = divmod(wire["amount"], _DECIMALS)
        amount = f"{whole}.{hundredths:02d} {wire['currency']}"
        email = escape(wire["customer"]["email"])
        return HTMLResponse(_PAGE.format(amount=amount, email=email))

    async def answer(self, request: Request) -> Response:
        outcome = (await request.body()).decode()

        def pay(transaction: Transaction) -> Record:
            context = _context(transaction)
            found = _open(context, request)
            return answer_challenge(context, found.id, passed=outcome == "outcome=pay")

        try:
            paid = await self._sandbox.act(pay)
        except PaystackError as error:
            return HTMLResponse(escape(str(error)), status_code=409)
        back = paid.private["callback_url"]
        if back is None:
            return HTMLResponse(f"<p>The transaction is {escape(paid.wire['status'])}.</p>")
        query = urlencode({"trxref": paid.id, "reference": paid.id})
        return RedirectResponse(f"{back}{'&' if '?' in back else '?'}{query}", status_code=303)


def _open(context: Context, request: Request) -> Record:
    """The transaction whose page this is.

    Raises:
        PaystackError: there is none, or the access code is another's.
    """
    found = context.fetch(TRANSACTION, request.path_params["reference"], what="Transaction")
    if request.query_params.get("access_code") != found.private["access_code"]:
        raise PaystackError("Transaction not found", status=404)
    return found


def _context(transaction: Transaction) -> Context:
    return Context(transaction=transaction, given={}, path={}, public_url="")
