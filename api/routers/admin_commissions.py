"""What the platform keeps of a sale, by staff; and where vendors are paid to."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from api import editing, payouts, settlements
from api.auth import TermsReader, TermsWriter
from api.dependencies import CommissionRuleId, Cursor, CursorsDep, Limit, Res, VendorId
from api.editing import IfMatch
from api.idempotency import Idempotent, refusal, replay
from api.json_route import JsonResponse, router, to_json
from api.openapi import problems
from api.pages import page
from api.schemas.settlements import (
    CommissionRule,
    CommissionRuleChange,
    CommissionRulePage,
    CommissionRuleRequest,
    PayoutAccount,
    PayoutAccountRequest,
)
from api.settlement_documents import rule_document
from core.domain.errors import ConflictError, FieldError, InvalidRequestError
from core.domain.ids import Prefix, new_id
from models.repositories import commission_rules, payout_accounts
from models.repositories.idempotency import StoredAnswer
from models.settlements import CommissionRule as Rule

api = router("staff")
_STAFF = ("not-authenticated", "forbidden")


@api.get(
    "/admin/commission-rules",
    response_model=CommissionRulePage,
    responses=problems(*_STAFF, "invalid-cursor"),
)
async def list_commissions(
    *,
    _staff: TermsReader,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
    vendor_id: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """Return the rules that apply, the newest first."""
    scope = {"list": "commission-rules", "vendor_id": vendor_id}
    rows = await commission_rules.list_rules(
        resources.database,
        vendor_id=vendor_id,
        limit=limit + 1,
        before=cursors.open(cursor, scope=scope),
    )
    return JsonResponse(
        page(
            rows,
            limit=limit,
            cursors=cursors,
            scope=scope,
            id_of=lambda rule: rule.id,
            render=rule_document,
        )
    )


@api.post(
    "/admin/commission-rules",
    status_code=201,
    response_model=CommissionRule,
    responses=problems(*_STAFF, "idempotency-key-missing", "idempotency-key-reused", "conflict"),
)
async def add_commission(
    request: Request,
    wanted: CommissionRuleRequest,
    staff: TermsWriter,
    call: Idempotent,
    resources: Res,
) -> Response:
    """Add a rule; sales that are captured from now on keep to it."""
    record = await call.claim(resources.database, new_id(Prefix.COMMISSION))
    if record.answer is not None:
        return replay(record.answer)
    try:
        rule = await _added(record.resource_id, wanted, resources, staff.actor)
    except ConflictError as error:
        return await call.settle(resources.database, refusal(request, error))
    answer = StoredAnswer(status=201, body=to_json(rule_document(rule)), location=None)
    return await call.settle(resources.database, answer)


async def _added(rule_id: str, wanted: CommissionRuleRequest, resources: Res, actor: str) -> Rule:
    whose = {"vendor_id": wanted.vendor_id, "category_id": wanted.category_id}
    async with resources.database.transaction() as session:
        known = await session.get(Rule, rule_id)
        if known is not None:
            return known
        if not await commission_rules.knows(session, **whose):
            named = next(name for name, value in whose.items() if value is not None)
            detail = "vendor or category does not exist"
            raise InvalidRequestError([FieldError(pointer=f"/{named}", detail=detail)])
        rule = Rule(
            id=rule_id,
            vendor_id=wanted.vendor_id,
            category_id=wanted.category_id,
            basis_points=wanted.basis_points,
        )
        await commission_rules.add(session, rule, actor=actor, reason=wanted.reason)
        return rule


@api.get(
    "/admin/commission-rules/{id}",
    response_model=CommissionRule,
    responses=problems(*_STAFF, "not-found"),
)
async def get_commission(
    rule_id: CommissionRuleId, _staff: TermsReader, resources: Res
) -> Response:
    """Return a rule that applies; its `ETag` is for the next change."""
    async with resources.database.transaction() as session:
        return editing.edited(rule_document(await commission_rules.lock(session, rule_id)))


@api.patch(
    "/admin/commission-rules/{id}",
    response_model=CommissionRule,
    responses=problems(*_STAFF, "not-found", "precondition-failed"),
)
async def change_commission(
    *,
    rule_id: CommissionRuleId,
    wanted: CommissionRuleChange,
    staff: TermsWriter,
    resources: Res,
    if_match: IfMatch = None,
) -> Response:
    """Change the share; sales that are captured already keep theirs."""
    async with resources.database.transaction() as session:
        rule = await commission_rules.lock(session, rule_id)
        editing.require_match(if_match, rule_document(rule))
        await commission_rules.change(
            session,
            rule,
            basis_points=wanted.basis_points,
            actor=staff.actor,
            reason=wanted.reason,
        )
        return editing.edited(rule_document(rule))


@api.delete(
    "/admin/commission-rules/{id}",
    status_code=204,
    responses=problems(*_STAFF, "not-found", "precondition-failed"),
)
async def drop_commission(
    *, rule_id: CommissionRuleId, staff: TermsWriter, resources: Res, if_match: IfMatch = None
) -> Response:
    """Take a rule away; the next most specific one applies instead."""
    async with resources.database.transaction() as session:
        rule = await commission_rules.lock(session, rule_id)
        editing.require_match(if_match, rule_document(rule))
        actor = staff.actor
        await commission_rules.take_away(session, rule, actor=actor, reason="")
    return Response(status_code=204)


@api.put(
    "/admin/vendors/{id}/payout-account",
    response_model=PayoutAccount,
    responses=problems(*_STAFF, "not-found"),
)
async def put_payout_account(
    vendor_id: VendorId, wanted: PayoutAccountRequest, staff: TermsWriter, resources: Res
) -> Response:
    """Say where a vendor is paid to; settlements that wait for it go on.

    Of a bank account only the provider's id for it is kept; the same account has the same id.
    """
    account = await payouts.account_of(resources, vendor_id, wanted)
    async with resources.database.transaction() as session:
        vendor = await payout_accounts.put(
            session,
            vendor_id,
            provider=wanted.provider,
            account=account,
            actor=staff.actor,
            reason=wanted.reason,
        )
        body = {
            "vendor_id": vendor.id,
            "provider": vendor.payout_provider,
            "account": vendor.payout_account,
        }
    await settlements.tell_of_account(resources, vendor_id)
    return JsonResponse(body)
