"""Answers to anonymous readers, kept in Redis for a moment.

An answer is at most ``api.read_cache_seconds`` old. Before that it is forgotten when what it shows
changes: at once when the change came through this API, within a second by the events of the
catalogue otherwise. Numbers of available units move with every order and are told by no event until
the last one goes: they may be as old as the answer. Whoever sends a token reads the truth.

Without Redis every answer is made anew.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.json_route import to_json
from core import read_tags
from core.cache import CACHE_ERRORS
from core.resources import Resources
from core.tagged_cache import Load

_log = structlog.get_logger("api")
_CATALOGUE = re.compile(r"/(products|variants|categories|vendors|media|stock-adjustments)(/|$)")
_PRODUCT_ID = re.compile(r"/products/(prd_[0-9a-z]{26})(/|$)")
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


async def kept(
    request: Request,
    resources: Resources,
    *,
    scope: Mapping[str, Any],
    tags: Sequence[str],
    load: Load,
) -> bytes:
    """Return the answer of ``load``, or the one that was kept for equal questions.

    Args:
        request: who asks; a caller with a token is given a fresh answer.
        resources: the cache and its settings.
        scope: all that the answer depends on, JSON.
        tags: what makes it old (``core.read_tags``).
        load: makes the answer; what it raises is raised, and nothing is kept.
    """
    seconds = resources.settings.api.read_cache_seconds
    if not seconds or "authorization" in request.headers:
        return await load()
    key = hashlib.sha256(to_json(scope)).hexdigest()[:32]
    return await resources.reads.read(key, tags=tags, ttl_seconds=seconds, load=load)


class ForgetMiddleware:
    """Forgets before the answer to an edit what it made old: who edits, and looks, sees it.

    The events of the catalogue tell the same a moment later, so a failure here is only a delay.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _edits_the_catalogue(scope):
            await self._app(scope, receive, send)
            return

        async def send_when_forgotten(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 300:  # noqa: PLR2004  # success
                await _forget(scope["app"].state.resources, scope["path"])
            await send(message)

        await self._app(scope, receive, send_when_forgotten)


def _edits_the_catalogue(scope: Scope) -> bool:
    return (
        scope["type"] == "http"
        and scope["method"] not in _READING
        and _CATALOGUE.search(scope["path"]) is not None
    )


async def _forget(resources: Resources, path: str) -> None:
    product = _PRODUCT_ID.search(path)
    of_product = product and [read_tags.product(product[1]), read_tags.PRODUCTS]
    try:
        await resources.reads.invalidate(of_product or [read_tags.SHOP])
    except CACHE_ERRORS as error:
        _log.warning("answers are forgotten a moment later", error=type(error).__name__)
