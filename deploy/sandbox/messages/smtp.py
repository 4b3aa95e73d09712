"""A mail server that takes everything (RFC 5321), but for the address ``refused@…``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial

from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.sandbox.exchange import DEFAULT_HOLD_MS, DEFAULT_LATENCY_MS
from deploy.sandbox.faults import Fault, FaultMode
from deploy.sandbox.messages.mailbox import EMAIL, Delivered, deliver
from deploy.sandbox.sandbox import Sandbox

OPERATIONS = ("messages.send",)
REFUSED = "refused@"
MAX_BYTES = 10 * 1024 * 1024
_NO_SUCH_MAILBOX = "550 5.1.1 There is no such mailbox"
_TAKEN = "250 2.0.0 Taken"
_DROPPED = "421 4.3.0 The connection ends"
_FAULTS: Mapping[FaultMode, str] = {
    FaultMode.ERROR_500: "451 4.3.0 Something went wrong on our side; nothing was done",
    FaultMode.ERROR_429: "450 4.2.1 Too many messages; try again later",
}


class MailServer:
    """Listens while the sandbox runs; ``port`` 0 is any."""

    def __init__(self, sandbox: Sandbox, *, host: str, port: int) -> None:
        self._sandbox = sandbox
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(
                _Handler(self._sandbox),
                data_size_limit=MAX_BYTES,
                enable_SMTPUTF8=True,
                hostname="sandbox",
                ident="Perdure sandbox",
                loop=loop,
            ),
            self._host,
            self._port,
        )

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()


class _Handler:
    """The library calls its methods by their names."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def handle_RCPT(  # noqa: N802  # the library's name
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        if address.lower().startswith(REFUSED):
            return _NO_SUCH_MAILBOX
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Known"

    async def handle_DATA(  # noqa: N802  # the library's name
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        sandbox = self._sandbox
        fault = sandbox.faults.strike(EMAIL, OPERATIONS[0])
        if fault is not None:
            if fault.count is not None:
                await sandbox.save_faults()
            refused = await self._before_effect(fault, server)
            if refused is not None:
                return refused
        for message in _messages(envelope):
            await sandbox.act(partial(deliver, message=message))
        if fault is not None and fault.mode is FaultMode.TIMEOUT_AFTER_EFFECT:
            await sandbox.hold(DEFAULT_HOLD_MS if fault.latency_ms is None else fault.latency_ms)
            return _dropped(server)
        return _TAKEN

    async def _before_effect(self, fault: Fault, server: SMTP) -> str | None:
        """The answer that stands in for the effect, or None when the effect shall happen."""
        if fault.mode is FaultMode.TIMEOUT_AFTER_EFFECT:
            return None
        latency = fault.latency_ms
        if fault.mode is FaultMode.LATENCY and latency is None:
            latency = DEFAULT_LATENCY_MS
        if latency:
            await self._sandbox.hold(latency)
        if fault.mode in {FaultMode.DOWN, FaultMode.CONNECTION_RESET}:
            return _dropped(server)
        return _FAULTS.get(fault.mode)


def _dropped(server: SMTP) -> str:
    abort = getattr(server.transport, "abort", None)  # uvloop's transports share no base class
    if abort is not None:
        abort()
    return _DROPPED


def _messages(envelope: Envelope) -> list[Delivered]:
    parsed = message_from_bytes(envelope.original_content or b"", policy=policy.default)
    plain = parsed.get_body(preferencelist=("plain", "html"))
    text = plain.get_content() if isinstance(plain, EmailMessage) else ""
    return [
        Delivered(
            channel=EMAIL,
            to=recipient,
            sender=str(parsed.get("From", "")),
            subject=str(parsed.get("Subject", "")),
            text=str(text).replace("\r\n", "\n"),
            reference=str(parsed.get("Message-ID", "")),
        )
        for recipient in envelope.rcpt_tos
    ]
