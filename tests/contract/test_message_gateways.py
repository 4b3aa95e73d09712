"""What every sender of messages owes, over real SMTP and HTTP to the sandbox."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from core.domain.errors import ProviderError, ProviderRejectedError
from core.domain.ids import Prefix, new_id
from core.gateways.email import Email, SmtpEmailGateway
from core.gateways.sms import HttpSmsGateway, Sms
from core.settings_people import EmailSettings, SmsSettings
from deploy.sandbox.messages.sms import NOBODY
from tests.conftest import TestServers
from tests.contract.sandbox import Control


class ByEmail:
    """E-mail by SMTP."""

    service, operation = "email", "messages.send"
    refused = "refused@shop.perdure.dev"
    taken_once = False
    """Only its reference tells that a message has come before."""

    def __init__(self, servers: TestServers, timeout_seconds: float = 20.0) -> None:
        self._settings = EmailSettings(port=servers.ports.smtp, timeout_seconds=timeout_seconds)

    def somebody(self) -> str:
        return f"{new_id(Prefix.USER)}@shop.perdure.dev"

    async def send(self, to: str, reference: str, text: str) -> None:
        email = Email(reference=reference, recipient=to, subject="Für Ada: ☃", text=text)
        await SmtpEmailGateway(self._settings).send(email)


class BySms:
    """Text messages by HTTP."""

    service, operation = "sms", "messages.create"
    refused = NOBODY
    taken_once = True

    def __init__(self, servers: TestServers, timeout_seconds: float = 20.0) -> None:
        self._settings = SmsSettings(
            api_base=servers.addresses.sms_api_base, timeout_seconds=timeout_seconds
        )

    def somebody(self) -> str:
        number = int.from_bytes(new_id(Prefix.USER).encode()[-6:], "big") % 10**9
        return f"+44{number:010}".replace("+440", "+447")

    async def send(self, to: str, reference: str, text: str) -> None:
        gateway = HttpSmsGateway.open(self._settings)
        try:
            await gateway.send(Sms(reference=reference, recipient=to, text=text))
        finally:
            await gateway.close()


Sender = ByEmail | BySms
SENDERS: dict[str, type[Sender]] = {"smtp": ByEmail, "http": BySms}


@pytest.fixture(params=sorted(SENDERS))
def kind(request: pytest.FixtureRequest, sandbox_url: str) -> type[Sender]:
    return SENDERS[request.param]


@pytest.fixture
def sender(kind: type[Sender], servers: TestServers) -> Sender:
    return kind(servers)


async def received(control: Control, to: str) -> list[dict[str, Any]]:
    answer = await control.http.get("/messages", params={"to": to})
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


async def test_message_arrives_as_it_was_written(sender: Sender, control: Control) -> None:
    to, reference = sender.somebody(), new_id(Prefix.MESSAGE)
    text = "Grüße ☃\n.\n.a line that begins with a dot\n" + "x" * 500

    await sender.send(to, reference, text)

    (message,) = await received(control, to)
    assert (message["channel"], message["to"]) == (sender.service, to)
    assert message["text"].rstrip("\n") == text
    assert reference in message["reference"]


async def test_same_message_again_is_known_by_its_reference(
    sender: Sender, control: Control
) -> None:
    to, reference = sender.somebody(), new_id(Prefix.MESSAGE)

    await sender.send(to, reference, "once")
    await sender.send(to, reference, "once")

    messages = await received(control, to)
    assert len(messages) == (1 if sender.taken_once else 2)
    assert len({message["reference"] for message in messages}) == 1


async def test_recipient_that_nobody_is_gets_refused_for_good(
    sender: Sender, control: Control
) -> None:
    with pytest.raises(ProviderRejectedError) as refused:
        await sender.send(sender.refused, new_id(Prefix.MESSAGE), "to nobody")

    assert sender.refused not in str(refused.value)
    assert await received(control, sender.refused) == []


@pytest.mark.parametrize("mode", ["down", "connection_reset", "error_500", "error_429"])
async def test_trouble_of_the_provider_may_pass(
    mode: str, sender: Sender, control: Control
) -> None:
    to = sender.somebody()
    await control.fault(sender.service, sender.operation, mode)

    with pytest.raises(ProviderError):
        await sender.send(to, new_id(Prefix.MESSAGE), "not now")

    assert await received(control, to) == []


async def test_silence_of_the_provider_may_hide_a_delivery(
    kind: type[Sender], servers: TestServers, control: Control
) -> None:
    sender = kind(servers, timeout_seconds=0.3)
    to = sender.somebody()
    await control.fault(sender.service, sender.operation, "timeout_after_effect", latency_ms=60_000)

    with pytest.raises(ProviderError):
        await sender.send(to, new_id(Prefix.MESSAGE), "did it arrive?")

    assert len(await received(control, to)) == 1


async def test_server_that_is_not_there_may_come_back(
    kind: type[Sender], servers: TestServers
) -> None:
    email = SmtpEmailGateway(EmailSettings(port=1))
    with pytest.raises(ProviderError):
        await email.send(Email(reference="r", recipient="a@b.dev", subject="s", text="t"))
    sms = HttpSmsGateway(httpx.AsyncClient(base_url="http://127.0.0.1:1"), "Perdure")
    with pytest.raises(ProviderError):
        await sms.send(Sms(reference="r", recipient="+15005550006", text="t"))
    await sms.close()


@pytest.mark.parametrize("address", ["ada@shop.dev\r\nBcc: eve@shop.dev", "ada@shop.dev\nX: y"])
async def test_address_with_a_line_of_its_own_is_refused_before_anything_is_sent(
    address: str,
) -> None:
    email = Email(reference="r", recipient=address, subject="s", text="t")

    with pytest.raises(ProviderRejectedError):
        await SmtpEmailGateway(EmailSettings(port=1)).send(email)
