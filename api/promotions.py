"""Promotions by staff: every fault of their terms is named, every change is written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from api.carts import refuse
from api.errors import field_errors
from api.preconditions import require_match
from api.rendering import money
from api.schemas.promotions import Amount, PromotionChange, PromotionTerms
from core.domain.errors import FieldError, InvalidRequestError, NotFoundError
from core.domain.promotions import PromotionKind, PromotionScope
from core.resources import Resources
from models.promotions import Promotion
from models.repositories import audit, promotion_terms

_USED_BY: Mapping[PromotionKind, frozenset[str]] = {
    PromotionKind.PERCENT: frozenset({"basis_points"}),
    PromotionKind.FIXED: frozenset({"amounts"}),
    PromotionKind.FREE_SHIPPING: frozenset(),
    PromotionKind.BUY_X_GET_Y: frozenset({"buy_quantity", "get_quantity", "basis_points"}),
}
_OPTIONAL = {(PromotionKind.BUY_X_GET_Y, "basis_points")}
_BY_KIND = ("basis_points", "amounts", "buy_quantity", "get_quantity")
_BY_CURRENCY = ("amounts", "minimum_amounts")


async def create(
    resources: Resources, promotion_id: str, terms: PromotionTerms, *, actor: str, reason: str
) -> Promotion:
    """Write a promotion once, however often it is asked for.

    Raises:
        ConflictError: another one has its code.
    """
    columns = _columns(terms)
    async with resources.database.transaction() as session:
        known = await promotion_terms.lock_promotion(session, promotion_id)
        if known is not None:
            return known
        now = datetime.now(UTC)
        promotion = Promotion(id=promotion_id, **columns, created_at=now, updated_at=now)
        await promotion_terms.write(session, promotion)
        await audit.record(
            session,
            actor=actor,
            action="promotion.created",
            target=promotion_id,
            reason=reason,
            after=_plain(columns),
        )
        return promotion


async def change(
    resources: Resources,
    promotion_id: str,
    wanted: PromotionChange,
    *,
    actor: str,
    if_match: str | None,
) -> Promotion:
    """Change what is sent.

    Raises:
        NotFoundError: there is no such promotion.
        PreconditionFailedError: it is not the version that the caller saw.
        InvalidRequestError: the terms would not make sense.
        ConflictError: another one has its code.
    """
    sent = wanted.model_dump(exclude_unset=True, exclude={"reason"})
    async with resources.database.transaction() as session:
        promotion = await promotion_terms.lock_promotion(session, promotion_id)
        if promotion is None:
            raise NotFoundError("there is no such promotion")
        require_match(if_match, promotion.version)
        before = promotion_terms.terms_of(promotion)
        terms = _merged(before, sent)
        await _check(session, terms)
        if terms.usage_limit is not None and terms.usage_limit < promotion.used:
            detail = f"it is used {promotion.used} times already"
            refuse([FieldError(pointer="/usage_limit", detail=detail)])
        changed = {k: v for k, v in _columns(terms).items() if v != before[k]}
        if not changed:
            return promotion
        for name, value in changed.items():
            setattr(promotion, name, value)
        promotion.version += 1
        promotion.updated_at = datetime.now(UTC)
        await promotion_terms.write(session, promotion)
        await audit.record(
            session,
            actor=actor,
            action="promotion.changed",
            target=promotion_id,
            reason=wanted.reason,
            before=_plain({name: before[name] for name in changed}),
            after=_plain(changed),
        )
        return promotion


async def check(resources: Resources, terms: PromotionTerms) -> None:
    """Refuse terms that make no sense together.

    Raises:
        InvalidRequestError: names every field at fault.
    """
    async with resources.database.transaction() as session:
        await _check(session, terms)


async def _check(session: AsyncSession, terms: PromotionTerms) -> None:
    kind = PromotionKind(terms.kind)
    errors = [*_faults_of_kind(terms, kind), *_faults_of_scope(terms)]
    for name in _BY_CURRENCY:
        currencies = [amount.currency for amount in getattr(terms, name)]
        if len(set(currencies)) < len(currencies):
            errors.append(FieldError(pointer=f"/{name}", detail="a currency is there twice"))
    if terms.ends_at is not None and terms.ends_at <= terms.starts_at:
        errors.append(FieldError(pointer="/ends_at", detail="it ends before it starts"))
    refuse(errors)
    unknown = await promotion_terms.unknown_targets(session, terms.scope, terms.target_ids)
    refuse(
        [
            FieldError(pointer=f"/target_ids/{n}", detail=f"there is no such {terms.scope}")
            for n, target in enumerate(terms.target_ids)
            if target in unknown
        ]
    )


def document(promotion: Promotion) -> dict[str, Any]:
    """Return a promotion as staff see it."""
    shown = promotion.model_dump(exclude={"version"})
    return shown | {name: _monies(shown[name]) for name in _BY_CURRENCY}


def _faults_of_kind(terms: PromotionTerms, kind: PromotionKind) -> list[FieldError]:
    errors = []
    for name in _BY_KIND:
        given = bool(getattr(terms, name))
        used = name in _USED_BY[kind]
        if given and not used:
            errors.append(FieldError(pointer=f"/{name}", detail=f"not for the kind {kind}"))
        if used and not given and (kind, name) not in _OPTIONAL:
            errors.append(FieldError(pointer=f"/{name}", detail=f"required for the kind {kind}"))
    return errors


def _faults_of_scope(terms: PromotionTerms) -> list[FieldError]:
    whole = PromotionScope(terms.scope) is PromotionScope.ORDER
    if whole == bool(terms.target_ids):
        detail = "not for the whole order" if whole else f"required for the scope {terms.scope}"
        return [FieldError(pointer="/target_ids", detail=detail)]
    return []


def _merged(before: Mapping[str, Any], sent: Mapping[str, Any]) -> PromotionTerms:
    kept = dict(before) | {
        name: [{"amount": a, "currency": c} for c, a in before[name].items()]
        for name in _BY_CURRENCY
    }
    try:
        return PromotionTerms.model_validate({**kept, **sent})
    except ValidationError as error:
        raise InvalidRequestError(field_errors(error.errors())) from error


def _columns(terms: PromotionTerms) -> dict[str, Any]:
    columns = terms.model_dump(include=set(PromotionTerms.model_fields))
    return columns | {name: _by_currency(getattr(terms, name)) for name in _BY_CURRENCY}


def _by_currency(amounts: Sequence[Amount]) -> dict[str, int]:
    return {amount.currency: amount.amount for amount in amounts}


def _monies(amounts: Mapping[str, int]) -> list[dict[str, Any]]:
    return [money(amount, currency) for currency, amount in sorted(amounts.items())]


def _plain(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a JSON column can hold."""
    plain: dict[str, Any] = orjson.loads(orjson.dumps(columns, option=orjson.OPT_UTC_Z))
    return plain
