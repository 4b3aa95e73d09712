"""`/_control` for the money that Stripe and the banks move without being asked."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from deploy.sandbox.control_answers import ControlError, Handler, answer, read_body
from deploy.sandbox.control_requests import (
    DisputeNews,
    DisputeRequest,
    PayoutNews,
    PayoutRequest,
    TransferNews,
)
from deploy.sandbox.documents import Json
from deploy.sandbox.paystack import control as paystack
from deploy.sandbox.sandbox import Sandbox
from deploy.sandbox.stripe.balance import balances
from deploy.sandbox.stripe.context import DISPUTE, PAYMENT_INTENT, PAYOUT, TRANSFER, Context
from deploy.sandbox.stripe.disputes import CLOSED, charge_of_intent, open_dispute, progress
from deploy.sandbox.stripe.errors import StripeError
from deploy.sandbox.stripe.parameters import Parameters
from deploy.sandbox.stripe.payouts import fail_payout, pay_out
from deploy.sandbox.stripe.transfers import reverse
from deploy.sandbox.transaction import Transaction


class MoneyControl:
    """The handlers; each answers the object of Stripe's that it made or changed."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.handlers: tuple[tuple[str, str, Handler], ...] = (
            ("POST", "/disputes", self.open_dispute),
            ("POST", "/disputes/{id}", self.move_dispute),
            ("POST", "/transfers/{id}", self.reverse_transfer),
            ("POST", "/payouts", self.pay_out),
            ("POST", "/payouts/{id}", self.fail_payout),
            ("GET", "/balance", self.show_balance),
        )

    async def open_dispute(self, request: Request) -> Response:
        asked = await read_body(request, DisputeRequest)

        def dispute(transaction: Transaction) -> Json:
            elsewhere = paystack.dispute(transaction, asked.payment_intent, asked.amount)
            if elsewhere is not None:
                return elsewhere
            intent = _required(transaction, asked.payment_intent, PAYMENT_INTENT)
            context = self._context(transaction)
            charge = charge_of_intent(context, intent)
            if charge is None:
                raise ControlError(409, "nothing_captured", "There is nothing to dispute.")
            remaining = charge["amount_captured"] - charge["amount_refunded"]
            amount = remaining if asked.amount is None else asked.amount
            if not 0 < amount <= charge["amount_captured"]:
                raise ControlError(409, "amount_too_large", f"{remaining} can be disputed.")
            return open_dispute(
                context,
                charge,
                amount=amount,
                reason=asked.reason,
                inquiry=asked.inquiry,
                evidence_seconds=asked.evidence_seconds,
            )

        return answer(await self._sandbox.act(dispute), status=201)

    async def move_dispute(self, request: Request) -> Response:
        asked = await read_body(request, DisputeNews)

        def move(transaction: Transaction) -> Json:
            elsewhere = paystack.decide(transaction, request.path_params["id"], asked.status)
            if elsewhere is not None:
                return elsewhere
            dispute = _required(transaction, request.path_params["id"], DISPUTE)
            if dispute["status"] in CLOSED and dispute["status"] != asked.status:
                raise ControlError(409, "dispute_closed", f"It is {dispute['status']} already.")
            progress(self._context(transaction), dispute, asked.status)
            return dispute

        return answer(await self._sandbox.act(move))

    async def reverse_transfer(self, request: Request) -> Response:
        asked = await read_body(request, TransferNews)

        def take_back(transaction: Transaction) -> Json:
            elsewhere = paystack.reverse(transaction, request.path_params["id"])
            if elsewhere is not None:
                return elsewhere
            transfer = _required(transaction, request.path_params["id"], TRANSFER)
            try:
                reverse(self._context(transaction), transfer, asked.amount)
            except StripeError as error:
                raise ControlError(409, "nothing_to_reverse", str(error)) from error
            return transfer

        return answer(await self._sandbox.act(take_back))

    async def pay_out(self, request: Request) -> Response:
        asked = await read_body(request, PayoutRequest)
        currency = asked.currency.lower()

        def pay(transaction: Transaction) -> Json:
            amount = asked.amount
            if amount is None:
                rows = balances(transaction.connection)
                amount = next((row["net"] for row in rows if row["currency"] == currency), 0)
            if amount <= 0:
                raise ControlError(409, "nothing_to_pay_out", f"The balance is {amount}.")
            return pay_out(self._context(transaction), amount=amount, currency=currency)

        return answer(await self._sandbox.act(pay), status=201)

    async def fail_payout(self, request: Request) -> Response:
        await read_body(request, PayoutNews)

        def fail(transaction: Transaction) -> Json:
            payout = _required(transaction, request.path_params["id"], PAYOUT)
            fail_payout(self._context(transaction), payout)
            return payout

        return answer(await self._sandbox.act(fail))

    async def show_balance(self, _request: Request) -> Response:
        """What Stripe's movements add up to, by currency."""
        return answer({"data": await self._sandbox.store.read(balances)})

    def _context(self, transaction: Transaction) -> Context:
        return Context(
            transaction=transaction,
            parameters=Parameters({}),
            path={},
            enabled_events=self._sandbox.config.stripe_events,
        )


def _required(transaction: Transaction, document_id: str, kind: str) -> Json:
    found = transaction.documents.get(document_id, kind)
    if found is None:
        raise ControlError(404, "not_found", f"There is no {kind} {document_id}.")
    return found
