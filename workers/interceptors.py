"""What every activity gets: log context, metrics, and errors in Temporal's terms."""

from __future__ import annotations

import time
from typing import Any

import structlog
from prometheus_client import Counter, Histogram
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

from activities.errors import to_application_error
from core.domain.errors import DomainError

_SECONDS = Histogram(
    "activity_duration_seconds",
    "Duration of an activity's attempt",
    ["activity", "outcome"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
_FAILURES = Counter(
    "activity_failures_total", "Failed attempts of activities", ["activity", "code"]
)
_log = structlog.get_logger(__name__)


class ActivityInterceptor(Interceptor):
    """Registers the inbound interceptor with a worker."""

    def intercept_activity(
        self,
        next: ActivityInboundInterceptor,  # noqa: A002  # the SDK's name
    ) -> ActivityInboundInterceptor:
        return _Inbound(next)


class _Inbound(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002  # the SDK's name
        info = activity.info()
        started = time.perf_counter()
        outcome = "failed"
        with structlog.contextvars.bound_contextvars(
            activity=info.activity_type, workflow_id=info.workflow_id, attempt=info.attempt
        ):
            try:
                result = await self.next.execute_activity(input)
                outcome = "done"
            except DomainError as error:
                self._report(info.activity_type, error.code, error)
                raise to_application_error(error) from error
            except ApplicationError:
                raise
            except Exception as error:
                self._report(info.activity_type, type(error).__name__, error)
                raise
            else:
                return result
            finally:
                elapsed = time.perf_counter() - started
                _SECONDS.labels(info.activity_type, outcome).observe(elapsed)

    def _report(self, name: str, code: str, error: Exception) -> None:
        _FAILURES.labels(name, code).inc()
        _log.warning("activity failed", code=code, error=type(error).__name__)
