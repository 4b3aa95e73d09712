"""The rules that hold orders for review."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from api import editing
from api.auth import TermsReader, TermsWriter
from api.dependencies import Res, RuleId
from api.editing import IfMatch
from api.idempotency import Idempotent, replay
from api.json_route import JsonResponse, router, to_json
from api.openapi import problems
from api.schemas.order_changes import (
    ReviewRule,
    ReviewRuleChange,
    ReviewRuleList,
    ReviewRuleRequest,
)
from core.domain.ids import Prefix, new_id
from models.oversight import ReviewRule as Rule
from models.repositories import audit, review
from models.repositories.idempotency import StoredAnswer

api = router("staff")

_STAFF = problems("not-authenticated", "forbidden")
_LIMITS = ("currency", "amount", "country", "orders", "window_seconds")


@api.get("/admin/review-rules", response_model=ReviewRuleList, responses=_STAFF)
async def list_review_rules(_staff: TermsReader, resources: Res) -> Response:
    """Return every rule, the newest first."""
    async with resources.database.transaction() as session:
        rules = [_document(rule) for rule in await review.list_rules(session)]
    return JsonResponse({"data": rules, "next_cursor": None})


@api.post(
    "/admin/review-rules",
    status_code=201,
    response_model=ReviewRule,
    responses={**_STAFF, **problems("idempotency-key-missing", "idempotency-key-reused")},
)
async def add_review_rule(
    staff: TermsWriter, call: Idempotent, resources: Res, wanted: ReviewRuleRequest
) -> Response:
    """Add a rule; it is asked of every order that is about to be packed."""
    record = await call.claim(resources.database, new_id(Prefix.RULE))
    if record.answer is not None:
        return replay(record.answer)
    async with resources.database.transaction() as session:
        rule = await session.get(Rule, record.resource_id, with_for_update=True)
        if rule is None:
            rule = Rule(id=record.resource_id, **wanted.model_dump())
            session.add(rule)
            await session.flush()
            await session.refresh(rule)
            await audit.record(
                session,
                actor=staff.actor,
                action="review_rule.add",
                target=rule.id,
                reason="",
                after=wanted.model_dump(mode="json"),
            )
        body = to_json(_document(rule))
    answer = StoredAnswer(status=201, body=body, location=None)
    return await call.settle(resources.database, answer)


@api.get(
    "/admin/review-rules/{id}",
    response_model=ReviewRule,
    responses={**_STAFF, **problems("not-found")},
)
async def get_review_rule(rule_id: RuleId, _staff: TermsReader, resources: Res) -> Response:
    """Return a rule; its `ETag` is for the next change."""
    async with resources.database.transaction() as session:
        return editing.edited(_document(await review.lock_rule(session, rule_id)))


@api.patch(
    "/admin/review-rules/{id}",
    response_model=ReviewRule,
    responses={**_STAFF, **problems("not-found", "precondition-failed")},
)
async def change_review_rule(
    rule_id: RuleId,
    staff: TermsWriter,
    resources: Res,
    wanted: ReviewRuleChange,
    if_match: IfMatch = None,
) -> Response:
    """Rename a rule, or switch it off and on; another limit is another rule."""
    changes = wanted.model_dump(exclude={"reason"}, exclude_none=True)
    async with resources.database.transaction() as session:
        rule = await review.lock_rule(session, rule_id)
        editing.require_match(if_match, _document(rule))
        before = {name: getattr(rule, name) for name in changes}
        if before != changes:
            for name, value in changes.items():
                setattr(rule, name, value)
            await audit.record(
                session,
                actor=staff.actor,
                action="review_rule.change",
                target=rule_id,
                reason=wanted.reason,
                before=before,
                after=changes,
            )
        return editing.edited(_document(rule))


def _document(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": rule.name,
        "kind": rule.kind,
        **{name: getattr(rule, name) for name in _LIMITS},
        "active": rule.active,
        "created_at": rule.created_at,
    }
