"""``python -m api``: serve until SIGTERM, drain, leave."""

from __future__ import annotations

import os
import sys
from types import FrameType

import uvicorn
from fastapi import FastAPI

from api.app import create_app
from core.logs import configure_logs
from core.settings import load_settings
from core.telemetry import start_traces

_DRAIN_SECONDS = 20


class _Server(uvicorn.Server):
    """Ends the event streams before it waits for open connections, for those never end."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        application = self.config.app
        events = getattr(getattr(application, "state", None), "order_events", None)
        if events is not None:
            events.close()


def main() -> None:
    settings = load_settings()
    configure_logs(settings, service="api")
    stop_traces = start_traces(settings, service="api")
    app: FastAPI = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.api.host,
        port=settings.api.port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=bool(settings.api.trusted_proxies),
        forwarded_allow_ips=list(settings.api.trusted_proxies),
        timeout_graceful_shutdown=_DRAIN_SECONDS,
        backlog=2048,
    )
    server = _Server(config)
    code = 1
    try:
        server.run()
        code = 0 if server.started else 1
    except KeyboardInterrupt:
        code = 0
    finally:
        stop_traces()
        sys.stdout.flush()
        sys.stderr.flush()
        # A process that holds a Temporal client sometimes aborts while Python 3.11 tears it down.
        os._exit(code)


if __name__ == "__main__":
    main()
