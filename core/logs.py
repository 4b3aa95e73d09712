"""Structured logs: one JSON object a line, on standard error."""

from __future__ import annotations

import logging
import sys
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, WrappedLogger

from core.domain.card_numbers import blank_card_numbers
from core.settings import Settings

_SECRETS = ("password", "token", "secret", "authorization", "api_key", "cookie")
_REDACTED = "[redacted]"


def configure_logs(settings: Settings, *, service: str) -> None:
    """Send structlog's and the standard library's records through one pipeline.

    Args:
        settings: ``telemetry.log_level`` is the least severe level that is written.
        service: the name of this process in every line, such as ``api``.
    """
    level = logging.getLevelNamesMapping().get(settings.telemetry.log_level.upper(), logging.INFO)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(serializer=_to_bytes)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(file=sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(serializer=_to_text),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    quieten_libraries()


def quieten_libraries() -> None:
    """Let those say only what is wrong that would write down every request, some with its body."""
    for name in ("botocore", "httpcore", "httpx", "stripe", "urllib3", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Blank every value whose name says that it is a secret, and every card number.

    Whoever logged it: this is the last place before a line is written.
    """
    for name, value in event.items():
        if any(word in name.lower() for word in _SECRETS):
            event[name] = _REDACTED
        elif isinstance(value, str):
            event[name] = blank_card_numbers(value)
    return event


def _to_bytes(value: Any, **_options: Any) -> bytes:
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)


def _to_text(value: Any, **options: Any) -> str:
    return _to_bytes(value, **options).decode()
