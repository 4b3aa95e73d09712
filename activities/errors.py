"""How the domain's errors reach a workflow: as ``ApplicationError`` with the error's code."""

from __future__ import annotations

from temporalio.exceptions import ApplicationError

from core.domain.errors import DomainError


def to_application_error(error: DomainError) -> ApplicationError:
    """Translate; whether it is tried again follows from the error's class.

    What the problem answer carries beside its message travels as the one detail.
    """
    return ApplicationError(
        str(error), dict(error.extra()), type=error.code, non_retryable=not error.retryable
    )
