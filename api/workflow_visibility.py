"""Which workflows run for which orders, as Temporal's visibility knows it: some seconds behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from temporalio.client import Client, WorkflowExecution
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError

from core.domain.errors import UnavailableError
from core.domain.ids import Prefix, is_id
from core.settings import TemporalSettings
from workflows import search_attributes

_PATIENCE_SECONDS = 5.0
_MOST_FAILING = 1000
REPORTED_PROBLEMS = SearchAttributeKey.for_keyword_list("TemporalReportedProblems")
"""Set by the server on a run whose workflow tasks keep failing: a bug, or a release whose code does
not fit the history. Source: Temporal's documentation of search attributes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A workflow that runs for an order; ``problems`` when its workflow tasks fail."""

    workflow_id: str
    workflow_type: str
    order_id: str
    problems: Sequence[str]


async def running_for(client: Client, order_ids: Iterable[str]) -> dict[str, list[Running]]:
    """Return the workflows that run for each of the orders.

    Raises:
        UnavailableError: Temporal does not answer.
    """
    wanted = [order_id for order_id in order_ids if is_id(Prefix.ORDER, order_id)]
    if not wanted:
        return {}
    listed = ", ".join(f"'{order_id}'" for order_id in wanted)
    query = f"ExecutionStatus = 'Running' AND {search_attributes.ORDER_ID.name} IN ({listed})"
    found: dict[str, list[Running]] = {}
    for one in await _list(client, query, limit=None):
        found.setdefault(one.order_id, []).append(one)
    return found


async def failing(client: Client) -> list[Running]:
    """Return the workflows whose tasks keep failing, at most the first thousand.

    Raises:
        UnavailableError: Temporal does not answer.
    """
    query = f"ExecutionStatus = 'Running' AND {REPORTED_PROBLEMS.name} IS NOT NULL"
    return await _list(client, query, limit=_MOST_FAILING)


def link(settings: TemporalSettings, workflow_id: str) -> str:
    """Return the address of a workflow's newest run in Temporal's UI."""
    base = settings.ui_url.rstrip("/")
    return f"{base}/namespaces/{settings.namespace}/workflows/{quote(workflow_id, safe='')}"


def links(settings: TemporalSettings, workflow_ids: Iterable[str]) -> list[Mapping[str, str]]:
    """Return workflows with their addresses, each once, in their order."""
    return [
        {"workflow_id": one, "temporal_url": link(settings, one)}
        for one in dict.fromkeys(workflow_ids)
    ]


async def _list(client: Client, query: str, *, limit: int | None) -> list[Running]:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return [
                _running(execution) async for execution in client.list_workflows(query, limit=limit)
            ]
    except (TimeoutError, RPCError, RuntimeError) as error:
        raise UnavailableError("the workflow engine does not answer") from error


def _running(execution: WorkflowExecution) -> Running:
    attributes = execution.typed_search_attributes
    return Running(
        workflow_id=execution.id,
        workflow_type=execution.workflow_type,
        order_id=attributes.get(search_attributes.ORDER_ID) or "",
        problems=list(attributes.get(REPORTED_PROBLEMS) or ()),
    )
