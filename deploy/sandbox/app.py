"""The application: the mounts, the health check and the tasks behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from deploy.sandbox.carrier.app import create_carrier
from deploy.sandbox.carrier.tracking import Tracker
from deploy.sandbox.config import SandboxConfig
from deploy.sandbox.control import create_control
from deploy.sandbox.google import create_google
from deploy.sandbox.messages.sms import create_sms
from deploy.sandbox.messages.smtp import MailServer
from deploy.sandbox.paystack.app import create_paystack
from deploy.sandbox.sandbox import Sandbox
from deploy.sandbox.stripe.app import create_stripe


async def create_app(config: SandboxConfig) -> Starlette:
    """The sandbox as an ASGI application; its lifespan opens the store and resumes what is due.

    Serve it with `deploy.sandbox.server.create_server`, which can drop connections as faults ask.
    """
    sandbox = Sandbox(config)
    tracker = Tracker(sandbox)
    mail = None
    if config.smtp_port is not None:
        mail = MailServer(sandbox, host=config.smtp_host, port=config.smtp_port)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await sandbox.start()
        tracker.start()
        if mail is not None:
            await mail.start()
        try:
            yield
        finally:
            if mail is not None:
                await mail.stop()
            await tracker.stop()
            await sandbox.stop()

    async def healthz(_request: Request) -> Response:
        await sandbox.store.read(lambda connection: connection.execute("SELECT 1").fetchone())
        return JSONResponse({"status": "ok"})

    app = Starlette(
        routes=[
            Mount("/stripe", create_stripe(sandbox)),
            Mount("/paystack", create_paystack(sandbox)),
            Mount("/carrier", create_carrier(sandbox, tracker)),
            Mount("/sms", create_sms(sandbox)),
            Mount("/google", create_google(sandbox)),
            Mount("/_control", create_control(sandbox, tracker)),
            Route("/healthz", healthz),
        ],
        lifespan=lifespan,
    )
    app.state.sandbox = sandbox
    return app
